#include "conf/checks.hpp"
#include "conf/place.hpp"

namespace conf {
namespace {

constexpr std::size_t most_listeners = 1024;
constexpr std::size_t most_ports = 65535;  // a session keeps the index of its listening socket in 16 bits

std::string path_of(std::size_t index) {
    return "listen-on[" + std::to_string(index + 1) + "]";
}

bool overlap(const PortRange& a, const PortRange& b) {
    return a.first != 0 && b.first != 0 && a.first <= b.last && b.first <= a.last;
}

bool overlap(const ListenOn& a, const ListenOn& b) {
    if (a.address.family != b.address.family || !overlap(a.port, b.port)) return false;
    return a.address == b.address || a.address.is_any() || b.address.is_any();
}

void check_overlaps(const Config& config, std::size_t index, Report& report) {
    for (std::size_t other = 0; other < index; ++other) {
        if (!overlap(config.listen_on[index], config.listen_on[other]) || !report.clean(path_of(other)))
            continue;
        report.error(path_of(index), "overlaps " + path_of(other) + " (line " +
                                         std::to_string(report.place(path_of(other)).line) +
                                         "): both want the same address and port");
        return;
    }
}

void check_ephemeral(const PortRange& port, const System& system, std::size_t index, Report& report) {
    if (!overlap(port, system.ephemeral)) return;
    report.warning(path_of(index) + ".port",
                   "overlaps the kernel's ephemeral ports " + std::to_string(system.ephemeral.first) + "-" +
                       std::to_string(system.ephemeral.last) +
                       ", so another program may hold a port (choose others or reserve them with "
                       "net.ipv4.ip_local_reserved_ports)");
}

}  // namespace

void check_listeners(const Config& config, const System& system, Report& report) {
    if (config.listen_on.size() > most_listeners) {
        report.error("listen-on", "more than 1024 listeners (use ranges of ports)");
        return;
    }
    std::size_t sockets = 0;
    for (std::size_t i = 0; i < config.listen_on.size(); ++i) {
        if (!report.clean(path_of(i))) continue;
        const PortRange& port = config.listen_on[i].port;
        sockets += static_cast<std::size_t>(port.last - port.first) + 1;
        check_overlaps(config, i, report);
        check_ephemeral(port, system, i, report);
    }
    if (sockets > most_ports) {
        report.error("listen-on", std::to_string(sockets) + " ports to listen on (expected at most 65535)");
    }
}

}  // namespace conf
