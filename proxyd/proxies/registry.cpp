#include "proxyd/proxies/registry.hpp"

#include <map>
#include <stdexcept>

#include "proxyd/proxies/udp/udp_proxy.hpp"

namespace proxies {

namespace {

struct Kind {
    std::unique_ptr<session::Proxy> (*make)(const conf::Config&);
    bool looks_up;  ///< uses SessionContext::resolve
};

/// One line for each kind of proxy.
const std::map<std::string, Kind>& registry() {
    static const std::map<std::string, Kind> all{
        {"udp",
         {[](const conf::Config&) -> std::unique_ptr<session::Proxy> { return std::make_unique<UdpProxy>(); },
          false}},
    };
    return all;
}

const Kind& find(const std::string& name) {
    const auto found = registry().find(name);
    if (found == registry().end()) throw std::logic_error("proxy " + name + " is not registered");
    return found->second;
}

}  // namespace

std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const auto& [name, kind] : registry())
        result.push_back(name);
    return result;
}

std::unique_ptr<session::Proxy> make(const conf::Config& config) {
    return find(config.proxy).make(config);
}

bool looks_up(const std::string& name) {
    return find(name).looks_up;
}

}  // namespace proxies
