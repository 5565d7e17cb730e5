#include <algorithm>
#include <unordered_map>

#include "conf/address_block.hpp"
#include "conf/checks.hpp"
#include "conf/place.hpp"

namespace conf {
namespace {

std::string path_of(std::size_t index, const std::string& key = {}) {
    const std::string path = "session-acl[" + std::to_string(index + 1) + "]";
    return key.empty() ? path : path + "." + key;
}

void check_names(const Config& config, Report& report) {
    std::unordered_map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const auto [entry, is_new] = first.try_emplace(config.session_acl[i].name, i);
        if (is_new) continue;
        const Mark mark = report.place(path_of(entry->second, "name"));
        report.error(path_of(i, "name"),
                     "the name is used twice (first at line " + std::to_string(mark.line) + ")");
    }
}

void check_target(const Rule& rule, std::size_t index, Report& report) {
    const std::string path = path_of(index, "plug-to");
    if (!report.clean(path_of(index, "action"))) return;
    if (rule.action == Action::accept && !report.given(path)) {
        report.error(path,
                     advise("is missing: without it a session has no target, for only a transparent listener "
                            "knows the original destination",
                            "a server like 192.0.2.53:53"));
    } else if (rule.action == Action::deny && report.given(path)) {
        report.warning(path, "has no effect in a rule that denies");
    }
}

void check_server(const Rule& rule, const Server& server, const std::string& path, Report& report) {
    if (!server.name.empty()) {
        if (rule.type == SessionType::broadcast)
            report.error(path, advise("a broadcast has no name", "the address of the server's network"));
        return;
    }
    const Address address = server.endpoint.address();
    const auto& source = rule.source_address;
    if (source && source->family != address.family) {
        report.error(path, "the server cannot be reached from source-address " + base::to_string(*source) +
                               " (expected both IPv4 or both IPv6)");
    }
    Address everybody = prefix_mask(base::Family::v4, 32);
    const bool many = is_multicast(address) || address == everybody;
    if (many && rule.type != SessionType::broadcast) {
        report.error(path, advise("is no address of a single server",
                                  "a unicast address, or udp-session-type: broadcast"));
    }
    if (rule.type == SessionType::broadcast && rule.broadcast_prefix > address_bits(address.family)) {
        report.error(path, "broadcast-prefix " + std::to_string(rule.broadcast_prefix) +
                               " is longer than the address (expected at most 32)");
    }
}

void check_servers(const Rule& rule, std::size_t index, Report& report) {
    if (rule.action != Action::accept || !report.clean(path_of(index, "source-address"))) return;
    for (std::size_t i = 0; i < rule.plug_to.size(); ++i) {
        const std::string path = path_of(index, "plug-to") + "[" + std::to_string(i + 1) + "]";
        if (report.clean(path)) check_server(rule, rule.plug_to[i], path, report);
    }
}

/// Keys that another key leaves without effect: most likely the other key is the mistake.
void check_idle_keys(const Rule& rule, std::size_t index, Report& report) {
    if (!report.clean(path_of(index))) return;
    const auto no_effect = [&](bool useless, const std::string& key, const std::string& why) {
        const std::string path = path_of(index, key);
        if (useless && report.given(path)) report.warning(path, "has no effect " + why);
    };
    no_effect(rule.type != SessionType::any_port, "any-port-strict", "unless udp-session-type is any-port");
    no_effect(rule.type != SessionType::broadcast, "broadcast-prefix",
              "unless udp-session-type is broadcast");
    const bool one_way = rule.type == SessionType::one_way;
    no_effect(one_way, "limits.unanswered", "in a one-way rule, where idle counts from the beginning");
    no_effect(one_way, "limits.server-datagrams", "in a one-way rule: the first reply ends the session");
    no_effect(one_way, "limits.server-bytes", "in a one-way rule: the first reply ends the session");
    const bool named = std::any_of(rule.plug_to.begin(), rule.plug_to.end(),
                                   [](const Server& server) { return !server.name.empty(); });
    no_effect(!named, "on-name-change", "in a rule without a name in plug-to");
    no_effect(rule.limits.idle == Duration{0}, "limits.idle-bytes", "without limits.idle");
    const bool endless = rule.limits.idle == Duration{0} && rule.limits.lifetime == Duration{0};
    if (rule.action == Action::accept && endless) {
        report.warning(path_of(index, "limits"),
                       "without idle and lifetime an answered session never ends by time");
    }
}

void check_source_port(const Rule& rule, const System& system, std::size_t index, Report& report) {
    const auto& port = rule.source_port;
    const PortRange& ephemeral = system.ephemeral;
    if (!port || port->first > ephemeral.last || ephemeral.first > port->last) return;
    report.warning(path_of(index, "source-port"),
                   "overlaps the kernel's ephemeral ports " + std::to_string(ephemeral.first) + "-" +
                       std::to_string(ephemeral.last) +
                       ", so another program may hold a port (choose others or reserve them with "
                       "net.ipv4.ip_local_reserved_ports)");
}

bool takes_everybody(const Rule& rule) {
    const auto is_any = [](const HostItem& item) {
        return item.kind == HostItem::Kind::any && !item.negated;
    };
    const auto negated = [](const HostItem& item) { return item.negated; };
    const bool everybody = rule.from.empty() || (std::any_of(rule.from.begin(), rule.from.end(), is_any) &&
                                                 std::none_of(rule.from.begin(), rule.from.end(), negated));
    return everybody && rule.to.empty() && rule.time.empty() && rule.dscp.match.empty();
}

void check_reachable(const Config& config, Report& report) {
    const auto& rules = config.session_acl;
    for (std::size_t i = 0; i + 1 < rules.size(); ++i) {
        if (!report.clean(path_of(i))) return;
        if (!takes_everybody(rules[i])) continue;
        report.warning(path_of(i + 1), "no session comes as far as this rule: " + rules[i].name + " (line " +
                                           std::to_string(report.place(path_of(i)).line) +
                                           ") takes everybody");
        return;
    }
}

void check_any_accept(const Config& config, Report& report) {
    const auto accepts = [](const Rule& rule) { return rule.action == Action::accept; };
    const auto& rules = config.session_acl;
    if (rules.empty() || !report.clean("session-acl") || std::any_of(rules.begin(), rules.end(), accepts))
        return;
    report.warning("session-acl", "no rule accepts anything");
}

}  // namespace

void check_rules(const Config& config, const System& system, Report& report) {
    check_names(config, report);
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const Rule& rule = config.session_acl[i];
        check_target(rule, i, report);
        check_servers(rule, i, report);
        check_idle_keys(rule, i, report);
        check_source_port(rule, system, i, report);
    }
    check_reachable(config, report);
    check_any_accept(config, report);
}

}  // namespace conf
