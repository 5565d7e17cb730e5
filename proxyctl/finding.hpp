#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"

/// What `doctor` concludes from texts of /proc and from figures. Pure calculation.
namespace proxyctl {

enum class Health { ok, warn, bad };

struct Finding {
    Health health = Health::ok;
    std::string what;
    std::string remedy;  ///< empty when it is ok
};

std::string_view word_for(Health health);

/// Open descriptors against the limit in the text of /proc/PID/limits.
Finding judge_descriptors(const std::string& who, const std::string& limits, std::uint64_t open);
/// A wished socket buffer against the text of /proc/sys/net/core/rmem_max or wmem_max.
Finding judge_buffer(const std::string& key, std::uint64_t wished, const std::string& setting,
                     const std::string& text);
/// The text of /proc/net/udp and udp6: datagrams that the kernel dropped at these listeners (`address:port`).
Finding judge_drops(const std::string& table, const std::vector<std::string>& listeners);
/// The text of ip_local_port_range against the sessions that need a port each.
Finding judge_ports(const std::string& range, std::uint32_t max_sessions);
/// The text of /proc/PID/status of a child that should be nobody special.
Finding judge_privileges(const std::string& who, const std::string& status, bool user_configured);
/// The text of /proc/sys/kernel/core_pattern.
Finding judge_core_pattern(const std::string& pattern);
Finding judge_restarts(const std::string& who, std::int64_t restarts);
/// Whether the kernel calls the clock unsynchronised, and by how much it may be wrong.
Finding judge_clock(bool synchronised, std::int64_t error_microseconds);
/// The addresses behind `nameserver` in the text of resolv.conf, with port 53.
std::vector<base::Endpoint> servers_of_resolv_conf(const std::string& text);

/// The local address of a line of /proc/net/udp: `0100007F:0035` is 127.0.0.1:53.
std::optional<base::Endpoint> endpoint_of_hex(std::string_view text);

}  // namespace proxyctl
