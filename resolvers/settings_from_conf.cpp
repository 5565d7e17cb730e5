#include "resolvers/settings_from_conf.hpp"

#include "base/log.hpp"
#include "resolvers/resolv_conf.hpp"

namespace resolvers {
namespace {

// The configuration has so many names as it has; none may be told that too many wait.
constexpr std::size_t no_bound = 1u << 20;
// Whoever has, or forges, addresses of a silent reverse zone takes a place for seconds with each datagram. So
// there are many; each needs about 100 KB and a descriptor or two.
constexpr std::size_t most_lookups = 512;

Transport transport_of(conf::Transport transport) {
    return transport == conf::Transport::tcp ? Transport::tcp : Transport::udp;
}

Families families_of(conf::Families families) {
    switch (families) {
        case conf::Families::v4:
            return Families::v4;
        case conf::Families::v6:
            return Families::v6;
        case conf::Families::both:
            break;
    }
    return Families::both;
}

Settings shared_settings(const conf::Resolver& resolver, const std::string& resolv_conf) {
    const ResolvConf system = resolver.servers.empty() ? read_resolv_conf(resolv_conf) : ResolvConf{};
    Settings settings;
    settings.servers = resolver.servers.empty() ? system.servers : resolver.servers;
    settings.search = resolver.search.value_or(system.search);
    settings.dots = resolver.dots.value_or(system.dots);
    settings.tries = resolver.tries;
    settings.families = families_of(resolver.families);
    settings.server_timeout = resolver.server_timeout;
    settings.reverse_timeout = resolver.initial_timeout;
    settings.connect_timeout = resolver.connect_timeout;
    settings.ttl.least = resolver.ttl.min;
    settings.ttl.most = resolver.ttl.max;
    settings.ttl.least_denied = resolver.negative_ttl.min;
    settings.ttl.most_denied = resolver.negative_ttl.max;
    settings.allow_private = resolver.allow_private;
    settings.private_domains = resolver.private_domains;
    settings.hosts_file = resolver.hosts_file;
    return settings;
}

}  // namespace

Settings settings_for_configuration(const conf::Resolver& resolver, const std::string& resolv_conf) {
    Settings settings = shared_settings(resolver, resolv_conf);
    settings.timeout = resolver.conf_timeout;
    settings.transport = transport_of(resolver.conf_transport);
    settings.max_waiting = settings.max_askers = no_bound;
    return settings;
}

Settings settings_for_lookups(const conf::Resolver& resolver, const std::string& resolv_conf) {
    Settings settings = shared_settings(resolver, resolv_conf);
    settings.timeout = resolver.timeout;
    settings.transport = transport_of(resolver.transport);
    settings.max_lookups = most_lookups;
    return settings;
}

std::string servers_text(const Settings& settings) {
    if (settings.servers.empty()) return "none";
    std::string text;
    for (std::size_t i = 0; i < settings.servers.size(); ++i)
        text += fmt::format("{}#{} {}", i == 0 ? "" : ", ", i + 1, base::to_string(settings.servers[i]));
    return text + (settings.transport == Transport::tcp ? " by TCP" : " by UDP");
}

void log_name_servers(const Settings& settings) {
    if (settings.servers.empty())
        base::log::write(base::msg::no_name_servers, "name servers: none{}",
                         settings.hosts_file.empty() ? "" : "; only " + settings.hosts_file + " is asked");
    else
        base::log::write(base::msg::name_servers, "name servers: {}", servers_text(settings));
}

}  // namespace resolvers
