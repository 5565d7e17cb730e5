#include "proxyd/proxies/registry.hpp"

#include <map>
#include <stdexcept>

#include "proxyd/proxies/udp/udp_proxy.hpp"

namespace proxies {

namespace {

using Factory = std::unique_ptr<session::Proxy> (*)(const conf::Config&);

/// One line for each kind of proxy.
const std::map<std::string, Factory>& registry() {
    static const std::map<std::string, Factory> all{
        {"udp",
         [](const conf::Config&) -> std::unique_ptr<session::Proxy> { return std::make_unique<UdpProxy>(); }},
    };
    return all;
}

}  // namespace

std::vector<std::string> names() {
    std::vector<std::string> result;
    for (const auto& [name, factory] : registry())
        result.push_back(name);
    return result;
}

std::unique_ptr<session::Proxy> make(const conf::Config& config) {
    const auto found = registry().find(config.proxy);
    if (found == registry().end()) throw std::logic_error("proxy " + config.proxy + " is not registered");
    return found->second(config);
}

}  // namespace proxies
