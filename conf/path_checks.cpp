#include <algorithm>
#include <optional>

#include "conf/address_block.hpp"
#include "conf/checks.hpp"
#include "conf/host_match.hpp"
#include "conf/place.hpp"

namespace conf {
namespace {

std::string path_of_rule(std::size_t index) {
    return "session-acl[" + std::to_string(index + 1) + "]";
}

std::string path_of_listener(std::size_t index) {
    return "listen-on[" + std::to_string(index + 1) + "]";
}

/// A wildcard also listens on loopback addresses; which others this machine has is not known here.
bool listens_at(const ListenOn& listener, const Endpoint& endpoint) {
    const Address address = endpoint.address();
    if (!listener.port.contains(endpoint.port) || listener.address.family != address.family) return false;
    return listener.address == address || (listener.address.is_any() && is_loopback(address));
}

void check_loop(const Config& config, const Endpoint& server, const std::string& path, const char* effect,
                Report& report) {
    for (std::size_t i = 0; i < config.listen_on.size(); ++i) {
        if (!report.clean(path_of_listener(i)) || !listens_at(config.listen_on[i], server)) continue;
        report.error(path, base::to_string(server) + " is this proxy's own " + path_of_listener(i) +
                               " (line " + std::to_string(report.place(path_of_listener(i)).line) +
                               "): " + effect);
        return;
    }
}

bool may_mean(const Destination& to, const ListenOn& listener, HostMatch& hosts) {
    const PortRange& port = listener.port;
    if (port.first != 0 && (to.port.first > port.last || port.first > to.port.last)) return false;
    return listener.address.is_any() || hosts.means(to.host);
}

/// Whether some session of the listener may match the `to` of the rule: in doubt yes.
bool may_serve(const Rule& rule, const ListenOn& listener, HostMatch& hosts) {
    bool has_positive = false, wanted = false;
    for (const Destination& to : rule.to) {
        const bool whole = !listener.address.is_any() && to.port.first <= listener.port.first &&
                           listener.port.last <= to.port.last;
        if (to.host.negated && whole && hosts.means(to.host)) return false;
        if (to.host.negated) continue;
        has_positive = true;
        wanted = wanted || may_mean(to, listener, hosts);
    }
    return wanted || !has_positive;
}

/// K-43: a client cannot tell a broadcast's answers from those of a unicast session of the same listener.
void check_types(const Config& config, std::size_t listener, Report& report) {
    std::optional<std::size_t> unicast, broadcast;
    HostMatch hosts(config.listen_on[listener].address, config.lists);
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const Rule& rule = config.session_acl[i];
        if (rule.action != Action::accept || !report.clean(path_of_rule(i))) continue;
        if (!may_serve(rule, config.listen_on[listener], hosts)) continue;
        auto& seen = rule.type == SessionType::broadcast ? broadcast : unicast;
        if (!seen) seen = i;
    }
    if (!unicast || !broadcast) return;
    const std::size_t later = std::max(*unicast, *broadcast), earlier = std::min(*unicast, *broadcast);
    report.error(path_of_rule(later) + ".udp-session-type",
                 "broadcast and unicast sessions on one listener: " + path_of_listener(listener) +
                     " also serves " + config.session_acl[earlier].name + " (line " +
                     std::to_string(report.place(path_of_rule(earlier)).line) +
                     "); give each listener its own rules with 'to'");
}

void check_name_servers(const Config& config, Report& report) {
    for (std::size_t i = 0; i < config.resolver.servers.size(); ++i) {
        const std::string path = "resolver.servers[" + std::to_string(i + 1) + "]";
        check_loop(config, config.resolver.servers[i], path, "its look-ups would come back to it", report);
    }
}

void check_targets(const Config& config, Report& report) {
    for (std::size_t rule = 0; rule < config.session_acl.size(); ++rule) {
        const auto& servers = config.session_acl[rule].plug_to;
        for (std::size_t i = 0; i < servers.size(); ++i) {
            const std::string path = path_of_rule(rule) + ".plug-to[" + std::to_string(i + 1) + "]";
            // Where a name leads is not known here.
            if (servers[i].name.empty() && report.clean(path))
                check_loop(config, servers[i].endpoint, path, "its datagrams would go in a circle", report);
        }
    }
}

}  // namespace

void check_paths(const Config& config, Report& report) {
    if (report.clean("resolver.servers")) check_name_servers(config, report);
    check_targets(config, report);
    // Lists with mistakes may be circles.
    if (!report.clean("lists")) return;
    for (std::size_t i = 0; i < config.listen_on.size(); ++i) {
        if (report.clean(path_of_listener(i))) check_types(config, i, report);
    }
}

}  // namespace conf
