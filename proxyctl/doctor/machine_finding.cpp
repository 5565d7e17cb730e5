#include "proxyctl/doctor/finding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>

#include "base/endpoint.hpp"
#include "base/text.hpp"
#include "proxyctl/human.hpp"

namespace proxyctl {

namespace {

using base::Endpoint;

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;)
        words.push_back(word);
    return words;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

template <typename Number>
std::optional<Number> number(std::string_view text, int base = 10) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// The words after `key` at the beginning of a line.
std::vector<std::string> words_after(const std::string& text, const std::string& key) {
    for (const std::string& line : lines_of(text)) {
        if (line.starts_with(key)) return words_of(line.substr(key.size()));
    }
    return {};
}

std::string times(std::int64_t count) {
    return count == 1 ? "once" : std::to_string(count) + " times";
}

Finding unknown(const std::string& what) {
    return {Health::warn, what + ": cannot be read", "run proxyctl as root on the machine of the proxy"};
}

bool same_listener(const Endpoint& socket, const std::vector<std::string>& listeners) {
    return std::any_of(listeners.begin(), listeners.end(), [&](const std::string& text) {
        const auto listener = base::parse_endpoint(text);
        return listener && listener->port == socket.port && listener->address() == socket.address();
    });
}

}  // namespace

std::string_view word_for(Health health) {
    return health == Health::ok ? "ok" : health == Health::warn ? "warn" : "bad";
}

Finding check_descriptors(const std::string& role, const std::string& limits,
                          std::optional<std::uint64_t> open) {
    const std::vector<std::string> words = words_after(limits, "Max open files");
    if (words.empty()) return unknown(role + ": limit of open files");
    if (!open) return unknown(role + ": open files");
    const auto limit = number<std::uint64_t>(words.front());
    const std::string what = fmt::format("{}: {} of {} open files", role, *open, words.front());
    if (!limit || *open * 10 < *limit * 7) return {Health::ok, what, {}};
    return {*open * 10 < *limit * 9 ? Health::warn : Health::bad, what,
            "raise the limit of open files (LimitNOFILE=, ulimit -n), or lower max-sessions"};
}

Finding check_buffer(const std::string& key, std::uint64_t configured, const std::string& setting,
                     const std::string& text) {
    const std::vector<std::string> words = words_of(text);
    const auto max = words.empty() ? std::nullopt : number<std::uint64_t>(words.front());
    if (!max) return unknown(setting);
    const std::string what =
        fmt::format("{}: {}, {}: {}", key, base::format_size(configured), setting, base::format_size(*max));
    if (configured <= *max) return {Health::ok, what, {}};
    return {
        Health::warn, what,
        fmt::format("sysctl -w {}={}, unless the proxy is started with CAP_NET_ADMIN", setting, configured)};
}

std::optional<Endpoint> endpoint_of_hex(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
    if (!port) return std::nullopt;
    base::Address address;
    address.family = colon == 8 ? base::Family::v4 : base::Family::v6;
    for (std::size_t word = 0; word < colon / 8; ++word) {
        // Each group of eight digits is a number in the machine's byte order.
        const auto value = number<std::uint32_t>(text.substr(word * 8, 8), 16);
        if (!value) return std::nullopt;
        std::memcpy(address.bytes.data() + word * 4, &*value, sizeof *value);
    }
    return Endpoint(address, *port);
}

Finding check_drops(const std::string& table, const std::vector<std::string>& listeners) {
    std::uint64_t drops = 0;
    std::size_t sockets = 0;
    for (const std::string& line : lines_of(table)) {
        const std::vector<std::string> words = words_of(line);
        const auto local = words.size() > 12 ? endpoint_of_hex(words[1]) : std::nullopt;
        if (!local || !same_listener(*local, listeners)) continue;
        ++sockets;
        drops += number<std::uint64_t>(words.back()).value_or(0);
    }
    const std::string what =
        fmt::format("{} listening sockets: {} datagrams dropped by the kernel", sockets, drops);
    if (sockets == 0) return {Health::warn, "no listening socket found", "see `status`"};
    if (drops == 0) return {Health::ok, what, {}};
    return {Health::warn, what, "raise udpserver.receive-buffer and rmem_max, or udpserver.workers"};
}

/// With `server-side: shared` the ports are those of a key.
Finding check_server_ports(const conf::UdpServer& server) {
    const auto& [first, last] = server.server_ports;
    const std::uint32_t count = last - first + 1u;
    const std::string what = fmt::format("{} source ports for {} sessions: server-ports {}-{}", count,
                                         server.max_sessions, first, last);
    if (count >= server.max_sessions) return {Health::ok, what, {}};
    return {Health::warn, what, "widen udpserver.server-ports, or give rules a source-port"};
}

// As SourcePorts counts them: a reserved port and the last tenth belong to other programs.
std::optional<Finding> check_ports(const conf::System& system, const conf::Config& config) {
    const auto needs_port = [](const conf::Rule& rule) {
        return rule.action == conf::Action::accept && !rule.source_port;
    };
    const conf::ServerSide side = config.udpserver.server_side;
    // What `auto` has chosen is not in the file.
    if (side == conf::ServerSide::automatic || std::ranges::none_of(config.session_acl, needs_port))
        return std::nullopt;
    if (side == conf::ServerSide::shared) return check_server_ports(config.udpserver);
    const auto& [first, last] = system.ephemeral;
    std::uint32_t count = 0;
    for (std::uint32_t port = first; port <= last; ++port)
        count += std::ranges::none_of(system.reserved, [port](const conf::PortRange& range) {
            return range.contains(static_cast<std::uint16_t>(port));
        });
    count -= (count + 9) / 10;
    const std::uint32_t sessions = config.udpserver.max_sessions;
    const std::string what = fmt::format(
        "{} source ports for {} sessions: the ephemeral ports {}-{} without reserved ones and a tenth for "
        "other programs",
        count, sessions, first, last);
    if (count >= sessions) return Finding{Health::ok, what, {}};
    return Finding{
        Health::warn, what,
        "widen net.ipv4.ip_local_port_range, or give rules a source-port or a source-address each"};
}

Finding check_privileges(const std::string& role, const std::string& status, bool user_configured) {
    const std::vector<std::string> uids = words_after(status, "Uid:");
    const std::vector<std::string> capabilities = words_after(status, "CapEff:");
    if (uids.size() < 2 || capabilities.empty()) return unknown(role + ": privileges");
    const bool root = uids[1] == "0";
    const bool capable = number<std::uint64_t>(capabilities[0], 16).value_or(1) != 0;
    if (!root && !capable) return {Health::ok, role + ": runs as uid " + uids[1] + ", no capabilities", {}};
    const std::string what = role + (root ? ": runs as root" : ": has capabilities") +
                             (capable && root ? " with capabilities" : "");
    if (user_configured) return {Health::bad, what, "restart the proxy, and report this as a bug of proxyd"};
    return {Health::warn, what, "set `user`, so that the children run unprivileged"};
}

Finding check_core_pattern(const std::string& pattern) {
    const std::vector<std::string> words = words_of(pattern);
    if (words.empty()) {
        return {Health::warn, "core_pattern is empty: a crash leaves no core dump",
                "sysctl -w kernel.core_pattern=/var/crash/core.%e.%p, or install systemd-coredump"};
    }
    const std::string what = "core_pattern: " + base::printable(words.front());
    if (words.front().front() == '|' || words.front().front() == '/') return {Health::ok, what, {}};
    return {Health::warn, what + ": a relative path; a daemon cannot write its core dump there",
            "sysctl -w kernel.core_pattern=/var/crash/core.%e.%p, or install systemd-coredump"};
}

Finding check_forbidden_calls(const std::string& role, std::int64_t calls) {
    return {Health::bad, fmt::format("{}: killed {} for a forbidden system call", role, times(calls)),
            "look for UDPS-330-E in the log, which names the call"};
}

Finding check_server_side(const std::string& text) {
    if (text.find("not possible") == std::string::npos) return {Health::ok, "server side: " + text, {}};
    return {Health::warn, "server side: " + text,
            "remove the reason and restart proxyd, or write server-side: own"};
}

Finding check_sandbox(const std::string& level, bool is_complete) {
    if (is_complete) return {Health::ok, "sandbox: " + level, {}};
    return {
        Health::warn, "sandbox: " + level,
        "see sandbox in proxyd.conf(5); use a kernel, or a container's profile, with seccomp and Landlock"};
}

Finding check_log(std::int64_t lost, std::int64_t ago_ms, const std::string& fault) {
    const std::string remedy = "check the directory and the disk of the log, or the syslog daemon; ";
    if (!fault.empty())
        return {Health::bad, "LOG " + fault, remedy + "then `proxyctl log reopen` opens the log again"};
    if (lost <= 0) return {Health::ok, "LOG: no log line was lost", ""};
    const std::string text = fmt::format("LOG: {} log lines were lost since the start, the last {} ago", lost,
                                         human_duration(ago_ms));
    if (base::Duration(ago_ms) > std::chrono::hours(1)) return {Health::ok, text, ""};
    return {Health::warn, text, remedy + "LOGS-230-W has the times"};
}

Finding check_restarts(const std::string& role, std::int64_t restarts) {
    if (restarts == 0) return {Health::ok, role + ": not restarted since startup", {}};
    return {Health::warn, fmt::format("{}: restarted {} since startup", role, times(restarts)),
            "look for UDPS-222-E in the log, which gives the exit status"};
}

Finding check_clock(bool synchronised, std::int64_t error_microseconds) {
    if (synchronised) {
        return {Health::ok,
                fmt::format("the clock is synchronised to within {} ms", error_microseconds / 1000),
                {}};
    }
    return {Health::warn, "the clock is not synchronised: times in the log and in rules may be wrong",
            "run chrony or systemd-timesyncd"};
}

}  // namespace proxyctl
