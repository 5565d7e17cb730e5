#include "resolvers/settings.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "resolvers/dns_question.hpp"
#include "resolvers/resolv_conf.hpp"

namespace resolvers {

conf::Resolver settings_for_lookups(conf::Resolver resolver, const std::string& resolv_conf) {
    const ResolvConf system = resolver.servers.empty() ? read_resolv_conf(resolv_conf) : ResolvConf{};
    if (resolver.servers.empty()) resolver.servers = system.servers;
    if (!resolver.search) resolver.search = system.search;
    if (!resolver.dots) resolver.dots = system.dots;
    return resolver;
}

conf::Resolver settings_for_configuration(conf::Resolver resolver, const std::string& resolv_conf) {
    resolver.timeout = resolver.conf_timeout;
    resolver.transport = resolver.conf_transport;
    return settings_for_lookups(std::move(resolver), resolv_conf);
}

std::string system_text(const conf::Resolver& resolver, const std::string& resolv_conf) {
    const conf::Resolver settings = settings_for_lookups(resolver, resolv_conf);
    return fmt::format("{}; search {}; dots {}", servers_text(settings),
                       fmt::join(settings.search.value_or(std::vector<std::string>()), " "),
                       settings.dots.value_or(1));
}

std::vector<std::string> candidates(std::string_view name, const conf::Resolver& settings) {
    const auto canonical = canonical_name(name);
    if (!canonical) return {};
    if (name.ends_with('.')) return {*canonical};
    std::vector<std::string> names;
    for (const auto& domain : settings.search.value_or(std::vector<std::string>()))
        if (auto longer = canonical_name(*canonical + '.' + domain)) names.push_back(std::move(*longer));
    const auto dots = std::ranges::count(*canonical, '.');
    const bool first = dots >= static_cast<long>(settings.dots.value_or(1));
    names.insert(first ? names.begin() : names.end(), *canonical);
    return names;
}

std::string servers_text(const conf::Resolver& settings) {
    if (settings.servers.empty()) return "none";
    std::string text;
    for (std::size_t i = 0; i < settings.servers.size(); ++i)
        text += fmt::format("{}#{} {}", i == 0 ? "" : ", ", i + 1, base::to_string(settings.servers[i]));
    return text + (settings.transport == conf::Transport::tcp ? " by TCP" : " by UDP");
}

void log_name_servers(const conf::Resolver& settings) {
    if (settings.servers.empty())
        base::log::write(base::msg::no_name_servers, "name servers: none{}",
                         settings.hosts_file.empty() ? "" : "; only " + settings.hosts_file + " is used");
    else
        base::log::write(base::msg::name_servers, "name servers: {}", servers_text(settings));
}

}  // namespace resolvers
