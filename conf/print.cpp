#include <fmt/core.h>

#include "base/text.hpp"
#include "conf/destination.hpp"
#include "conf/host_items.hpp"
#include "conf/load.hpp"
#include "conf/time_window.hpp"
#include "conf/words.hpp"

namespace conf {
namespace {

/// In single quotes: only the quote itself is special there.
std::string text(const std::string& value) {
    std::string out = "'";
    for (const char c : value) {
        out += c;
        if (c == '\'') out += c;
    }
    return out + "'";
}

std::string text(bool value) {
    return value ? "true" : "false";
}

std::string text(Duration value) {
    return base::format_duration(value);
}

std::string text(const PortRange& port) {
    return port.first == port.last ? std::to_string(port.first)
                                   : fmt::format("'{}-{}'", port.first, port.last);
}

std::string bytes(std::uint64_t value) {
    return base::format_size(value);
}

/// `[a, b]`
template <typename Items, typename Text>
std::string list(const Items& items, Text item_text) {
    std::string out;
    for (const auto& item : items)
        out += (out.empty() ? "" : ", ") + item_text(item);
    return "[" + out + "]";
}

/// `['a', 'b']`
std::string list(const std::vector<std::string>& items) {
    return list(items, [](const std::string& item) { return text(item); });
}

/// Writes `key: value` lines at one depth.
class Lines {
public:
    explicit Lines(std::string indent) : indent_(std::move(indent)) {}

    Lines& key(std::string_view name, std::string_view value) {
        out_ += fmt::format("{}{}: {}\n", indent_, name, value);
        return *this;
    }
    Lines& key(std::string_view name, std::uint64_t value) { return key(name, std::to_string(value)); }
    template <typename Value>
    Lines& key_if(bool given, std::string_view name, const Value& value) {
        return given ? key(name, value) : *this;
    }
    Lines& section(std::string_view name, const std::string& lines) {
        out_ += fmt::format("{}{}:\n{}", indent_, name, lines);
        return *this;
    }
    [[nodiscard]] const std::string& str() const { return out_; }

private:
    std::string indent_;
    std::string out_;
};

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

/// Keys whose default is /etc/resolv.conf's are omitted: no value stands for it.
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
    lines.key("stale-max", text(resolver.stale_max));
    lines.key("negative-grace", text(resolver.negative_grace)).key("allow-private", print_private(resolver));
    lines.key("hosts-file", resolver.hosts_file.empty() ? "none" : text(resolver.hosts_file));
    return lines.key("hold", print_hold(resolver.hold)).str();
}

std::string hosts(const HostItems& items, const std::vector<NamedList>& lists) {
    return list(items, [&](const HostItem& item) { return text(to_string(item, lists)); });
}

std::string print_log(const base::LogSettings& log) {
    Lines lines("  ");
    const bool file = log.target == base::LogTarget::file;
    const bool failure_file = log.on_syslog_failure == base::SyslogFailure::file;
    lines.key("to", file ? text(log.path) : std::string(word_of(log.target)));
    lines.key("level", word_of(log.level)).key("format", word_of(log.format)).key("facility", log.facility);
    lines.key("syslog-failure", failure_file ? text(log.path) : std::string(word_of(log.on_syslog_failure)));
    return lines.key("names", text(log.names)).key("dump-limit", bytes(log.dump_limit)).str();
}

/// The default socket may be missing, so its path is not printed.
std::string print_control(const Control& control) {
    Lines lines("  ");
    lines.key_if(!control.enabled, "socket", "none");
    lines.key_if(control.enabled && !control.socket.empty(), "socket", text(control.socket));
    lines.key("mode", fmt::format("'{:04o}'", control.mode));
    lines.key_if(!control.group.empty(), "group", text(control.group));
    return lines.key_if(!control.read_only_group.empty(), "read-only-group", text(control.read_only_group))
        .str();
}

std::string print_status_file(const StatusFile& status_file) {
    Lines lines("  ");
    lines.key("path", text(status_file.path)).key("every", text(status_file.every));
    return lines.key("format", word_of(status_file.format)).str();
}

std::string print_source_limits(const SourceLimits& limits) {
    return fmt::format("{{new-per-second: {}, open: {}, rate: {}/s, burst: {}}}", limits.new_per_second,
                       limits.open, limits.rate.rate, limits.rate.burst);
}

std::string print_udpserver(const UdpServer& server) {
    Lines lines("  ");
    lines.key("max-sessions", server.max_sessions).key("workers", server.workers);
    lines.key("max-restarts", fmt::format("{{count: {}, within: {}}}", server.max_restarts.count,
                                          text(server.max_restarts.within)));
    lines.key("on-crash-loop", word_of(server.on_crash_loop));
    lines.key("unanswered-share", fmt::format("{}%", server.unanswered_share));
    lines.key("unconfirmed-share", fmt::format("{}%", server.unconfirmed_share));
    lines.key("source-share", fmt::format("{}%", server.source_share));
    lines.key("new-sessions-per-second", server.new_sessions_per_second);
    lines.key("per-address", print_source_limits(server.per_address));
    lines.key("per-network", print_source_limits(server.per_network));
    lines.key("server-side", word_of(server.server_side)).key("server-ports", text(server.server_ports));
    lines.key("quarantine", text(server.quarantine))
        .key("quarantine-answered", text(server.quarantine_answered));
    lines.key("receive-buffer", bytes(server.receive_buffer)).key("send-buffer", bytes(server.send_buffer));
    lines.key("max-queue-age", text(server.max_queue_age));
    return lines.key("heartbeat", text(server.heartbeat))
        .key("stop-timeout", text(server.stop_timeout))
        .str();
}

std::string print_limits(const SessionLimits& limits) {
    Lines lines("      ");
    lines.key("unanswered", text(limits.unanswered))
        .key("unconfirmed", text(limits.unconfirmed))
        .key("idle", text(limits.idle));
    lines.key("no-answer", fmt::format("{{datagrams: {}, time: {}}}", limits.no_answer.datagrams,
                                       text(limits.no_answer.time)));
    lines.key("lifetime", text(limits.lifetime));
    lines.key("client-datagrams", limits.client_datagrams).key("server-datagrams", limits.server_datagrams);
    lines.key("client-bytes", bytes(limits.client_bytes)).key("server-bytes", bytes(limits.server_bytes));
    lines.key("idle-bytes", bytes(limits.idle_bytes));
    return lines.key("rate", fmt::format("{}/s", limits.rate.rate)).key("burst", limits.rate.burst).str();
}

std::string print_dscp(const Dscp& dscp) {
    std::string out;
    const auto number = [](std::uint8_t value) { return std::to_string(value); };
    const auto add = [&](const std::string& part) { out += (out.empty() ? "" : ", ") + part; };
    if (!dscp.match.empty()) add("match: " + list(dscp.match, number));
    if (dscp.to_server) add("to-server: " + number(*dscp.to_server));
    if (dscp.to_client) add("to-client: " + number(*dscp.to_client));
    return "{" + out + "}";
}

std::string print_record(const Recording& record) {
    if (record.one_of == 0) return record.refusals ? "refused" : "never";
    return record.one_of == 1 ? "always" : fmt::format("1/{}", record.one_of);
}

std::string print_servers(const std::vector<Server>& servers) {
    return list(servers, [](const Server& server) {
        const std::string target = server.name.empty()
                                       ? base::to_string(server.endpoint)
                                       : fmt::format("{}:{}", server.name, server.endpoint.port);
        return fmt::format("{{server: '{}', weight: {}}}", target, server.weight);
    });
}

/// Keys whose default is "none" (no condition, no server) are omitted: no value stands for it.
std::string print_rule(const Rule& rule, const std::vector<NamedList>& lists) {
    Lines lines("    ");
    lines.key("action", word_of(rule.action));
    lines.key_if(!rule.name.starts_with('#'), "name", text(rule.name));
    lines.key_if(!rule.from.empty(), "from", hosts(rule.from, lists));
    lines.key_if(!rule.to.empty(), "to",
                 list(rule.to, [&](const Destination& to) { return text(to_string(to, lists)); }));
    lines.key_if(!rule.time.empty(), "time",
                 list(rule.time, [](const TimeWindow& window) { return text(to_string(window)); }));
    lines.key_if(!rule.plug_to.empty(), "plug-to", print_servers(rule.plug_to));
    lines.key("udp-session-type", word_of(rule.type)).key("any-port-strict", text(rule.any_port_strict));
    lines.key("broadcast-prefix", rule.broadcast_prefix).section("limits", print_limits(rule.limits));
    lines.key("source-address", rule.source_address ? text(base::to_string(*rule.source_address)) : "proxy");
    lines.key("source-port", rule.source_port ? text(*rule.source_port) : "system");
    const std::string dscp = print_dscp(rule.dscp);
    lines.key_if(dscp != "{}", "dscp", dscp).key("on-icmp-error", word_of(rule.on_icmp_error));
    lines.key("on-name-change", word_of(rule.on_name_change)).key("record", print_record(rule.record));
    std::string out = lines.str();
    out.replace(0, 4, "  - ");
    return out;
}

std::string print_lists(const std::vector<NamedList>& lists) {
    Lines lines("  ");
    for (const NamedList& named : lists)
        lines.key(text(named.name), hosts(named.items, lists));
    return lines.str();
}

}  // namespace

std::string print(const Config& config) {
    Lines lines("");
    lines.key("name", text(config.name)).key("proxy", text(config.proxy));
    lines.key_if(!config.user.empty(), "user", text(config.user));
    lines.key("singleproc", text(config.singleproc)).key("nodaemon", text(config.nodaemon));
    lines.key("sandbox", word_of(config.sandbox)).key("core-dumps", text(config.core_dumps));
    lines.key_if(!config.pid_file.empty(), "pid-file", text(config.pid_file));
    lines.section("control", print_control(config.control));
    lines.section("signals", Lines("  ").key("hup", word_of(config.signals.hup)).str());
    if (!config.status_file.path.empty()) lines.section("status-file", print_status_file(config.status_file));
    lines.section("log", print_log(config.log)).section("udpserver", print_udpserver(config.udpserver));
    lines.section("resolver", print_resolver(config.resolver));
    if (!config.lists.empty()) lines.section("lists", print_lists(config.lists));
    std::string listeners, rules;
    for (const ListenOn& listener : config.listen_on) {
        listeners += fmt::format("  - {{address: '{}', port: {}}}\n", base::to_string(listener.address),
                                 text(listener.port));
    }
    for (const Rule& rule : config.session_acl)
        rules += print_rule(rule, config.lists);
    return lines.section("listen-on", listeners).section("session-acl", rules).str();
}

std::uint64_t fingerprint(const Config& config) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : print(config)) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace conf
