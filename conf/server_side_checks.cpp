#include "conf/checks.hpp"

namespace conf {

namespace {

constexpr const char* side_path = "udpserver.server-side";
constexpr const char* ports_path = "udpserver.server-ports";

void check_sandbox(const Config& config, Report& report) {
    const bool is_shared = config.udpserver.server_side == ServerSide::shared;
    if (!is_shared || config.sandbox != Sandbox::off || config.singleproc) return;
    report.error(side_path,
                 "shared needs the sandbox, which is off: REG would have raw sockets without a bound (write "
                 "sandbox: auto, or server-side: own)");
}

/// Every session has a port; a rule's own ports or addresses add to them.
void check_count(const UdpServer& udpserver, Report& report) {
    const unsigned ports = udpserver.server_ports.last - udpserver.server_ports.first + 1u;
    if (udpserver.max_sessions <= ports) return;
    report.warning(ports_path, "has " + std::to_string(ports) +
                                   " ports, fewer than max-sessions: more "
                                   "sessions need rules with source-address or source-port");
}

}  // namespace

void check_server_side(const Config& config, const System& system, Report& report) {
    if (!report.is_clean("udpserver")) return;
    if (config.udpserver.server_side == ServerSide::own) {
        if (report.is_given(ports_path))
            report.warning(ports_path, "has no effect without server-side: shared");
        return;
    }
    check_sandbox(config, report);
    check_count(config.udpserver, report);
    check_ephemeral(config.udpserver.server_ports, system, ports_path, report);
}

}  // namespace conf
