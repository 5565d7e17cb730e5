#include "conf/print_resolver.hpp"

#include <fmt/core.h>

#include "conf/print_lines.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

std::string print_ttl(const TtlRange& range) {
    return fmt::format("{{min: {}, max: {}}}", text(range.min), text(range.max));
}

std::string print_hold(const Hold& hold) {
    return fmt::format("{{datagrams: {}, bytes: {}, sessions: {}, memory: {}}}", hold.datagrams,
                       bytes(hold.bytes), hold.sessions, bytes(hold.memory));
}

std::string print_private(const Resolver& resolver) {
    return resolver.private_domains.empty() ? text(resolver.allow_private) : list(resolver.private_domains);
}

}  // namespace

/// Keys whose default is what /etc/resolv.conf says are left out: there is no word for that.
std::string print_resolver(const Resolver& resolver) {
    Lines lines("  ");
    const auto server = [](const Endpoint& endpoint) { return text(base::to_string(endpoint)); };
    lines.key_if(!resolver.servers.empty(), "servers", list(resolver.servers, server));
    if (resolver.search) lines.key("search", list(*resolver.search));
    if (resolver.dots) lines.key("dots", *resolver.dots);
    lines.key("tries", resolver.tries).key("families", word_of(resolver.families));
    lines.key("conf-transport", word_of(resolver.conf_transport));
    lines.key("transport", word_of(resolver.transport));
    lines.key("conf-timeout", text(resolver.conf_timeout)).key("timeout", text(resolver.timeout));
    lines.key("server-timeout", text(resolver.server_timeout));
    lines.key("initial-timeout", text(resolver.initial_timeout));
    lines.key("connect-timeout", text(resolver.connect_timeout));
    lines.key("ttl", print_ttl(resolver.ttl)).key("negative-ttl", print_ttl(resolver.negative_ttl));
    lines.key("stale-max", text(resolver.stale_max)).key("allow-private", print_private(resolver));
    lines.key("hosts-file", resolver.hosts_file.empty() ? "none" : text(resolver.hosts_file));
    return lines.key("hold", print_hold(resolver.hold)).str();
}

}  // namespace conf
