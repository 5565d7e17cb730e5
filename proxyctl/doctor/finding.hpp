#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/system.hpp"
#include "proxyctl/doctor/name_server_probe.hpp"
#include "proxyctl/row.hpp"

/// The conclusions of `doctor` from files of /proc, rows and numbers. Pure functions.
namespace proxyctl {

enum class Health { ok, warn, bad };

struct Finding {
    Health health = Health::ok;
    std::string what;
    std::string remedy;  ///< empty if it is ok
};

std::string_view word_for(Health health);

/// Open descriptors against the limit in the text of /proc/PID/limits.
Finding check_descriptors(const std::string& role, const std::string& limits,
                          std::optional<std::uint64_t> open);
/// A configured socket buffer against the text of /proc/sys/net/core/rmem_max or wmem_max.
Finding check_buffer(const std::string& key, std::uint64_t configured, const std::string& setting,
                     const std::string& text);
/// Datagrams dropped by the kernel at these listeners (`address:port`), by the text of /proc/net/udp and
/// udp6.
Finding check_drops(const std::string& table, const std::vector<std::string>& listeners);
/// The source ports that sessions may have against max-sessions; nothing if every rule has its own ports, or
/// with `server-side: auto`.
std::optional<Finding> check_ports(const conf::System& system, const conf::Config& config);
/// The text of /proc/PID/status of a child, which should be unprivileged.
Finding check_privileges(const std::string& role, const std::string& status, bool user_configured);
/// Processes of the role that were killed for a forbidden system call; more than 0.
Finding check_forbidden_calls(const std::string& role, std::int64_t calls);
/// The level that the instance reports.
Finding check_sandbox(const std::string& level, bool is_complete);
/// What the instance says about its server side.
Finding check_server_side(const std::string& text);
/// The text of /proc/sys/kernel/core_pattern.
Finding check_core_pattern(const std::string& pattern);
Finding check_restarts(const std::string& role, std::int64_t restarts);
/// Log lines that were lost since the start.
/// `ago_ms`: when the last line was lost; `fault`: why lines are not written now.
Finding check_log(std::int64_t lost, std::int64_t ago_ms, const std::string& fault);
/// Whether the kernel considers the clock synchronised, and its maximum error.
Finding check_clock(bool synchronised, std::int64_t error_microseconds);

/// From the totals of `stats`: the session table, the reasons of refusals, buffers, and lost lines of the
/// log, unless LOG counts these for all processes.
std::vector<Finding> check_totals(const Row& stats, bool has_log_process);
/// For a log to syslog: whether its socket is there.
Finding check_syslog(bool is_there);
/// `age`: since the file was written, nothing if it is missing.
Finding check_status_file(const conf::StatusFile& file, std::optional<base::Duration> age);

/// The local address of a line of /proc/net/udp: `0100007F:0035` is 127.0.0.1:53.
std::optional<base::Endpoint> endpoint_of_hex(std::string_view text);

/// A transport over which the configuration queries name servers, and the keys that select it.
struct TransportUse {
    conf::Transport transport = conf::Transport::udp;
    std::vector<std::string> keys;
};

/// The transports of configured names and of client look-ups, each once. Look-ups of proxies are unknown
/// here.
std::vector<TransportUse> transports_used(const conf::Config& config);

Finding no_name_server();
/// The processes ask other name servers than the files list now.
Finding outdated_name_servers(const std::vector<base::Endpoint>& used,
                              const std::vector<base::Endpoint>& listed);
/// The results of the probes over this transport.
std::vector<Finding> check_name_servers(const TransportUse& use, const std::vector<NameServerProbe>& probes);

/// The worst of the rows of `names`, and how many more there are.
std::vector<Finding> check_names(const std::vector<Row>& names);

}  // namespace proxyctl
