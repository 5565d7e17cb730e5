#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "proxyctl/doctor/finding.hpp"

namespace proxyctl {

namespace {

/// A counter of `stats` that should be 0, what it counts, and the remedy. Without a remedy it is a decision
/// of the policy.
struct Counter {
    const char* name;
    const char* what;
    const char* remedy;
};

constexpr std::string_view refused_prefix = "refused_";

constexpr auto counters = std::to_array<Counter>({
    {"buffer_full", "datagrams dropped because a send buffer was full",
     "raise udpserver.send-buffer and net.core.wmem_max"},
    {"hold_dropped", "datagrams dropped that waited for a name", "see `names`, and raise resolver.hold"},
    {"over_rate", "datagrams dropped: over limits.rate", "raise limits.rate if the clients are legitimate"},
    {"refused_overload", "datagrams of the heaviest sources dropped: overload",
     "limit them with per-address.rate or limits.rate, or raise udpserver.workers"},
    {"refused_source_rate", "datagrams dropped: source-rate",
     "raise per-address.rate or per-network.rate if the clients are legitimate"},
    {"refused_queue_age", "datagrams dropped that waited longer than max-queue-age",
     "find out what takes the CPU, and why REG was stopped or restarted late"},
    {"log_lost", "lines of the log lost", "lower log.level, or log to a faster disk"},
    {"refused_sessions_full", "first datagrams refused: sessions-full",
     "raise udpserver.max-sessions, or lower limits.idle"},
    {"refused_no_socket", "first datagrams refused: no-socket",
     "widen net.ipv4.ip_local_port_range or source-port, or raise the limit of open files"},
    {"refused_source_limited", "first datagrams refused: source-limited",
     "see `last-refusals`, and raise udpserver.per-address, per-network or source-share if the client is "
     "honest"},
    {"refused_rate_limited", "first datagrams refused: rate-limited",
     "raise udpserver.new-sessions-per-second"},
    {"refused_resolve_failure", "first datagrams refused: resolve-failure",
     "see `names`, and the name servers above"},
    {"refused_socket_error", "first datagrams refused: socket-error",
     "see UDPP-650-W in the log, and the routes"},
    {"refused_no_target", "first datagrams refused: no-target",
     "see `names`: the rule's servers have no address"},
    {"refused_loop", "first datagrams refused: loop", "correct plug-to, which leads to this proxy"},
    {"refused_bad_source", "first datagrams refused: bad-source",
     "see `last-refusals`: forged sources, or a server that is also a client"},
    {"refused_client_bytes", "first datagrams refused: client-bytes", "raise limits.client-bytes"},
    {"refused_acl", "first datagrams refused: acl", ""},
    {"refused_admin", "first datagrams refused: admin", ""},
    {"refused_proxy", "first datagrams refused: proxy", ""},
    {"refused_process_end", "first datagrams refused: process-end", ""},
});

Finding finding_of(const Counter& counter, std::int64_t count) {
    const std::string what = fmt::format("{} {}", count, counter.what);
    return {*counter.remedy == '\0' ? Health::ok : Health::warn, what, counter.remedy};
}

Finding check_table(const Row& stats) {
    const std::int64_t open = stats.number("open").value_or(0);
    const std::int64_t max = stats.number("max_sessions").value_or(0);
    const std::string what = fmt::format("{} of {} sessions open", open, max);
    if (max <= 0 || open * 10 < max * 8) return {Health::ok, what, {}};
    return {open < max ? Health::warn : Health::bad, what,
            "raise udpserver.max-sessions, or lower limits.idle"};
}

}  // namespace

std::vector<Finding> check_totals(const Row& stats, bool has_log_process) {
    std::vector<Finding> findings{check_table(stats)};
    for (const Counter& counter : counters) {
        if (has_log_process && std::string_view(counter.name) == "log_lost") continue;
        if (const std::int64_t count = stats.number(counter.name).value_or(0); count > 0)
            findings.push_back(finding_of(counter, count));
    }
    // A reason of a newer proxy.
    for (const Field& field : stats.fields()) {
        const bool is_known =
            std::ranges::any_of(counters, [&](const Counter& one) { return one.name == field.name; });
        if (is_known || !field.name.starts_with(refused_prefix) || field.value.number() <= 0) continue;
        findings.push_back({Health::warn,
                            fmt::format("{} first datagrams refused: {}", field.value.number(),
                                        field.name.substr(refused_prefix.size())),
                            "see `last-refusals`"});
    }
    return findings;
}

Finding check_syslog(bool is_there) {
    if (is_there) return {Health::ok, "the syslog socket /dev/log is there", {}};
    return {Health::bad, "the syslog socket /dev/log is missing: log lines are lost",
            "start a syslog daemon, or set log.to to a file"};
}

Finding check_status_file(const conf::StatusFile& file, std::optional<base::Duration> age) {
    const std::string remedy =
        "let `user` write its directory, then run `proxyctl log reopen`; UDPS-242-W in the log has the "
        "reason";
    if (!age) return {Health::bad, "status-file: " + file.path + " is missing", remedy};
    const std::string what =
        fmt::format("status-file: {} is {} old", file.path,
                    base::format_duration(std::chrono::floor<std::chrono::seconds>(*age)));
    if (*age <= 2 * file.every + std::chrono::seconds(5)) return {Health::ok, what, {}};
    return {Health::bad, what + " and is not written any more", remedy};
}

}  // namespace proxyctl
