#include "proxyctl/finding.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <sstream>

#include "base/endpoint.hpp"
#include "base/text.hpp"

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

// The words behind `key` at the beginning of a line.
std::vector<std::string> words_behind(const std::string& text, const std::string& key) {
    for (const std::string& line : lines_of(text)) {
        if (line.starts_with(key)) return words_of(line.substr(key.size()));
    }
    return {};
}

Finding unknown(const std::string& what) {
    return {Health::warn, what + ": it could not be read",
            "run proxyctl as root on the machine of the proxy"};
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

Finding judge_descriptors(const std::string& who, const std::string& limits, std::uint64_t open) {
    const std::vector<std::string> words = words_behind(limits, "Max open files");
    if (words.empty()) return unknown(who + ": limit of open files");
    const auto limit = number<std::uint64_t>(words.front());
    const std::string what = fmt::format("{}: {} of {} open files", who, open, words.front());
    if (!limit || open * 10 < *limit * 7) return {Health::ok, what, {}};
    return {open * 10 < *limit * 9 ? Health::warn : Health::bad, what,
            "raise the limit of open files (LimitNOFILE=, ulimit -n), or lower max-sessions"};
}

Finding judge_buffer(const std::string& key, std::uint64_t wished, const std::string& setting,
                     const std::string& text) {
    const std::vector<std::string> words = words_of(text);
    const auto most = words.empty() ? std::nullopt : number<std::uint64_t>(words.front());
    if (!most) return unknown(setting);
    const std::string what =
        fmt::format("{}: {}, {}: {}", key, base::format_size(wished), setting, base::format_size(*most));
    if (wished <= *most) return {Health::ok, what, {}};
    return {Health::warn, what,
            fmt::format("sysctl -w {}={}, unless the proxy is started with CAP_NET_ADMIN", setting, wished)};
}

std::optional<Endpoint> endpoint_of_hex(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon != 8 && colon != 32) return std::nullopt;
    const auto port = number<std::uint16_t>(text.substr(colon + 1), 16);
    if (!port) return std::nullopt;
    base::Address address;
    address.family = colon == 8 ? base::Family::v4 : base::Family::v6;
    for (std::size_t word = 0; word < colon / 8; ++word) {
        // Each group of eight digits is a number in the machine's own order of bytes.
        const auto value = number<std::uint32_t>(text.substr(word * 8, 8), 16);
        if (!value) return std::nullopt;
        std::memcpy(address.bytes.data() + word * 4, &*value, sizeof *value);
    }
    return Endpoint(address, *port);
}

Finding judge_drops(const std::string& table, const std::vector<std::string>& listeners) {
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
    if (sockets == 0) return {Health::warn, "no listening socket was found", "see `status`"};
    if (drops == 0) return {Health::ok, what, {}};
    return {Health::warn, what, "raise udpserver.receive-buffer and rmem_max, or udpserver.workers"};
}

Finding judge_ports(const std::string& range, std::uint32_t max_sessions) {
    const std::vector<std::string> words = words_of(range);
    const auto first = words.size() == 2 ? number<std::uint32_t>(words[0]) : std::nullopt;
    const auto last = words.size() == 2 ? number<std::uint32_t>(words[1]) : std::nullopt;
    if (!first || !last || *last < *first) return unknown("ip_local_port_range");
    const std::uint32_t count = *last - *first + 1;
    const std::string what =
        fmt::format("{} ephemeral ports ({}-{}) for {} sessions", count, *first, *last, max_sessions);
    if (count >= max_sessions) return {Health::ok, what, {}};
    return {Health::warn, what,
            "widen net.ipv4.ip_local_port_range, or give rules a source-port or several source addresses"};
}

Finding judge_privileges(const std::string& who, const std::string& status, bool user_configured) {
    const std::vector<std::string> uids = words_behind(status, "Uid:");
    const std::vector<std::string> capabilities = words_behind(status, "CapEff:");
    if (uids.size() < 2 || capabilities.empty()) return unknown(who + ": privileges");
    const bool root = uids[1] == "0";
    const bool capable = number<std::uint64_t>(capabilities[0], 16).value_or(1) != 0;
    if (!root && !capable) return {Health::ok, who + ": runs as uid " + uids[1] + ", no capabilities", {}};
    const std::string what = who + (root ? ": runs as root" : ": has capabilities") +
                             (capable && root ? " with capabilities" : "");
    if (user_configured) return {Health::bad, what, "restart the proxy; report this as a fault of proxyd"};
    return {Health::warn, what, "configure `user`, so that the children run without privileges"};
}

Finding judge_core_pattern(const std::string& pattern) {
    const std::vector<std::string> words = words_of(pattern);
    if (words.empty()) {
        return {Health::warn, "core_pattern is empty: a crash leaves nothing to look at",
                "sysctl -w kernel.core_pattern=/var/crash/core.%e.%p, or install systemd-coredump"};
    }
    const std::string what = "core_pattern: " + base::printable(words.front());
    if (words.front().front() == '|' || words.front().front() == '/') return {Health::ok, what, {}};
    return {Health::warn, what + ": a relative path; a daemon cannot write its core there",
            "sysctl -w kernel.core_pattern=/var/crash/core.%e.%p, or install systemd-coredump"};
}

Finding judge_restarts(const std::string& who, std::int64_t restarts) {
    if (restarts == 0) return {Health::ok, who + ": not replaced since the start", {}};
    return {Health::warn, fmt::format("{}: replaced {} times since the start", who, restarts),
            "look for UDPS-222-E in the log: it says of what each one died"};
}

Finding judge_clock(bool synchronised, std::int64_t error_microseconds) {
    if (synchronised) {
        return {
            Health::ok, fmt::format("the clock is synchronised, to {} ms", error_microseconds / 1000), {}};
    }
    return {Health::warn, "the clock is not synchronised: times in the log and in rules may be wrong",
            "run chrony or systemd-timesyncd"};
}

std::vector<Endpoint> servers_of_resolv_conf(const std::string& text) {
    std::vector<Endpoint> servers;
    for (const std::string& line : lines_of(text)) {
        const std::vector<std::string> words = words_of(line);
        if (words.size() < 2 || words[0] != "nameserver") continue;
        if (const auto address = base::parse_address(words[1])) servers.emplace_back(*address, 53);
    }
    return servers;
}

}  // namespace proxyctl
