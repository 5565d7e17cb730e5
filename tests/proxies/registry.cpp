#include "proxyd/proxies/registry.hpp"

#include "tests/proxies/hostile_proxy.hpp"
#include "tests/proxies/named_proxy.hpp"

// Takes the place of proxyd's own registry in the program proxyd-test: what a proxy of one's own looks like
// in it.
namespace proxies {

std::vector<std::string> names() {
    return {"named", "hostile"};
}

std::unique_ptr<session::Proxy> make(const conf::Config& config) {
    if (config.proxy == "hostile") return std::make_unique<HostileProxy>();
    return std::make_unique<NamedProxy>();
}

bool looks_up(const std::string& proxy) {
    return proxy == "named";
}

}  // namespace proxies
