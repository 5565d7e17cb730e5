#include "conf/checks.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conf/address_block.hpp"
#include "conf/host_items.hpp"
#include "conf/node_ref.hpp"

namespace conf {
namespace {

constexpr std::size_t max_listeners = 1024;
constexpr std::size_t max_ports = 65535;  // a session keeps the index of its listening socket in 16 bits

std::string listener_path(std::size_t index) {
    return "listen-on[" + std::to_string(index + 1) + "]";
}

bool same_socket(const ListenOn& a, const ListenOn& b) {
    if (a.address.family != b.address.family || !overlaps(a.port, b.port)) return false;
    return a.address == b.address || a.address.is_any() || b.address.is_any();
}

void check_overlaps(const Config& config, std::size_t index, Report& report) {
    for (std::size_t other = 0; other < index; ++other) {
        if (!same_socket(config.listen_on[index], config.listen_on[other]) ||
            !report.is_clean(listener_path(other)))
            continue;
        report.error(listener_path(index), "overlaps " + listener_path(other) + " (line " +
                                               std::to_string(report.mark_of(listener_path(other)).line) +
                                               "): both use the same address and port");
        return;
    }
}

constexpr std::size_t max_items = 100'000;

/// Walks the references between lists, each list once.
class ListWalk {
public:
    ListWalk(const std::vector<NamedList>& lists, Report& report)
        : lists_(lists), report_(report), expanded_(lists.size(), 0), state_(lists.size(), State::fresh) {}

    void visit(std::size_t index) {
        if (state_[index] == State::done) return;
        state_[index] = State::open;
        path_.push_back(index);
        std::size_t size = 0;
        for (const HostItem& item : lists_[index].items)
            size += expand(item);
        expanded_[index] = std::min(size, max_items + 1);
        path_.pop_back();
        state_[index] = State::done;
        if (size > max_items) {
            report_.error(list_path(index), "the list expands to more than 100000 items");
        }
    }

private:
    enum class State { fresh, open, done };

    [[nodiscard]] std::string list_path(std::size_t index) const { return "lists." + lists_[index].name; }

    std::size_t expand(const HostItem& item) {
        if (item.kind != HostItem::Kind::list) return 1;
        if (state_[item.list] == State::open) {
            report_.error(list_path(path_.back()), "the list contains itself: " + circle(item.list));
            return 0;
        }
        visit(item.list);
        return 1 + expanded_[item.list];
    }

    [[nodiscard]] std::string circle(std::size_t start) const {
        std::string text;
        for (auto at = std::find(path_.begin(), path_.end(), start); at != path_.end(); ++at) {
            text += "@" + lists_[*at].name + " > ";
        }
        return text + "@" + lists_[start].name;
    }

    const std::vector<NamedList>& lists_;
    Report& report_;
    std::vector<std::size_t> expanded_;
    std::vector<State> state_;
    std::vector<std::size_t> path_;
};

/// A wildcard also listens on loopback addresses and on those of the interfaces, as far as they are known
/// when the file is read.
bool listens_at(const ListenOn& listener, const Endpoint& endpoint, const System& system) {
    const Address address = endpoint.address();
    if (!listener.port.contains(endpoint.port) || listener.address.family != address.family) return false;
    if (listener.address == address) return true;
    return listener.address.is_any() &&
           (is_loopback(address) ||
            std::binary_search(system.addresses.begin(), system.addresses.end(), address));
}

void check_loop(const Config& config, const System& system, const Endpoint& server, const std::string& path,
                const char* effect, Report& report) {
    for (std::size_t i = 0; i < config.listen_on.size(); ++i) {
        if (!report.is_clean(listener_path(i)) || !listens_at(config.listen_on[i], server, system)) continue;
        report.error(path, base::to_string(server) + " is this proxy's own " + listener_path(i) + " (line " +
                               std::to_string(report.mark_of(listener_path(i)).line) + "): " + effect);
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

/// K-43: a client cannot distinguish answers to a broadcast from those of a unicast session of the listener.
void check_types(const Config& config, std::size_t listener, Report& report) {
    std::optional<std::size_t> unicast, broadcast;
    HostMatch hosts(config.listen_on[listener].address, config.lists);
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const Rule& rule = config.session_acl[i];
        if (rule.action != Action::accept || !report.is_clean(rule_path(i))) continue;
        if (!may_serve(rule, config.listen_on[listener], hosts)) continue;
        auto& seen = rule.type == SessionType::broadcast ? broadcast : unicast;
        if (!seen) seen = i;
    }
    if (!unicast || !broadcast) return;
    const std::size_t later = std::max(*unicast, *broadcast), earlier = std::min(*unicast, *broadcast);
    report.error(rule_path(later) + ".udp-session-type",
                 "broadcast and unicast sessions on one listener: " + listener_path(listener) +
                     " also serves " + config.session_acl[earlier].name + " (line " +
                     std::to_string(report.mark_of(rule_path(earlier)).line) +
                     "); use 'to' to give each listener its own rules");
}

void check_name_servers(const Config& config, const System& system, Report& report) {
    for (std::size_t i = 0; i < config.resolver.servers.size(); ++i) {
        const std::string path = "resolver.servers[" + std::to_string(i + 1) + "]";
        check_loop(config, system, config.resolver.servers[i], path, "its look-ups would loop", report);
    }
}

void check_targets(const Config& config, const System& system, Report& report) {
    for (std::size_t rule = 0; rule < config.session_acl.size(); ++rule) {
        const auto& servers = config.session_acl[rule].plug_to;
        for (std::size_t i = 0; i < servers.size(); ++i) {
            const std::string path = rule_path(rule) + ".plug-to[" + std::to_string(i + 1) + "]";
            // The addresses of a name are not known here.
            if (servers[i].name.empty() && report.is_clean(path))
                check_loop(config, system, servers[i].endpoint, path, "its datagrams would loop", report);
        }
    }
}

void check_listeners(const Config& config, const System& system, Report& report) {
    if (config.listen_on.size() > max_listeners) {
        report.error("listen-on", "more than 1024 listeners (use port ranges)");
        return;
    }
    std::size_t sockets = 0;
    for (std::size_t i = 0; i < config.listen_on.size(); ++i) {
        if (!report.is_clean(listener_path(i))) continue;
        const PortRange& port = config.listen_on[i].port;
        sockets += static_cast<std::size_t>(port.last - port.first) + 1;
        check_overlaps(config, i, report);
        check_ephemeral(port, system, listener_path(i) + ".port", report);
    }
    if (sockets > max_ports) {
        report.error("listen-on", std::to_string(sockets) + " ports to listen on (expected at most 65535)");
    }
}

void check_lists(const Config& config, Report& report) {
    ListWalk walk(config.lists, report);
    for (std::size_t i = 0; i < config.lists.size(); ++i)
        walk.visit(i);
}

void check_paths(const Config& config, const System& system, Report& report) {
    if (report.is_clean("resolver.servers")) check_name_servers(config, system, report);
    check_targets(config, system, report);
    // Lists with errors may have cycles.
    if (!report.is_clean("lists")) return;
    for (std::size_t i = 0; i < config.listen_on.size(); ++i) {
        if (report.is_clean(listener_path(i))) check_types(config, i, report);
    }
}

void check_signals(const Config& config, Report& report) {
    if (!config.singleproc || config.signals.hup != OnHup::reload) return;
    report.warning(
        "signals.hup",
        "has no effect with singleproc: SIGHUP shuts a single process down (remove one of the two)");
}

/// A file that proxyd writes or creates, and the key that names it.
struct NamedFile {
    std::string key;
    std::filesystem::path path;
};

/// The socket first, which may be a default: errors are reported at later keys.
std::vector<NamedFile> named_files(const Config& config) {
    const Control& control = config.control;
    const bool usual = control.enabled && control.socket.empty();
    std::vector<NamedFile> files{
        {"control.socket", usual ? "/run/proxyd/" + config.name + ".sock" : control.socket},
        {"pid-file", config.pid_file},
        {"status-file.path", config.status_file.path},
        {config.log.target == base::LogTarget::file ? "log.to" : "log.syslog-failure", config.log.path}};
    std::erase_if(files, [](const NamedFile& file) { return file.path.empty(); });
    for (NamedFile& file : files)
        file.path = file.path.lexically_normal();
    return files;
}

/// Each would overwrite the other.
void check_same_files(const Config& config, Report& report) {
    const std::vector<NamedFile> files = named_files(config);
    for (auto file = files.begin(); file != files.end(); ++file) {
        const auto same = std::find_if(files.begin(), file,
                                       [&](const NamedFile& other) { return other.path == file->path; });
        if (same != file) report.error(file->key, "is the same file as " + same->key);
        if (file->path == config.file) report.error(file->key, "is this configuration file");
    }
}

/// LOG may replace any file beside the status file, so it would gain by its neighbours if it were taken over.
void check_status_folder(const Config& config, Report& report) {
    if (!report.is_clean("status-file")) return;
    const auto folder = std::filesystem::path(config.status_file.path).lexically_normal().parent_path();
    for (const NamedFile& file : named_files(config))
        if ((file.key == "pid-file" || file.key == "control.socket") && file.path.parent_path() == folder)
            report.warning("status-file.path",
                           "is in the same directory as " + file.key + " (" + file.path.string() +
                               "), which LOG could replace there if it were taken over (use a "
                               "directory that has only the status file)");
}

unsigned size_of(const PortRange& range) {
    return range.last - range.first + 1u;
}

/// The kernel lists each port once.
unsigned count_reserved(const PortRange& range, const System& system) {
    unsigned count = 0;
    for (const PortRange& reserved : system.reserved)
        if (overlaps(range, reserved))
            count += size_of({std::max(range.first, reserved.first), std::min(range.last, reserved.last)});
    return count;
}

}  // namespace

bool overlaps(const PortRange& a, const PortRange& b) {
    return a.first != 0 && b.first != 0 && a.first <= b.last && b.first <= a.last;
}

void check_ephemeral(const PortRange& port, const System& system, const std::string& path, Report& report) {
    if (!overlaps(port, system.ephemeral)) return;
    const PortRange common{std::max(port.first, system.ephemeral.first),
                           std::min(port.last, system.ephemeral.last)};
    if (count_reserved(common, system) == size_of(common)) return;
    report.warning(path, "overlaps the kernel's ephemeral ports " + std::to_string(system.ephemeral.first) +
                             "-" + std::to_string(system.ephemeral.last) +
                             ", so another program may use one of them (choose other ports or reserve these "
                             "with net.ipv4.ip_local_reserved_ports)");
}

// Datagrams that arrive within 10 ms may be read together, however evenly they were sent.
void check_burst(const DatagramRate& rate, const std::string& section, Report& report) {
    const std::string path = section + ".burst";
    if (!report.is_given(path) || !report.is_clean(section)) return;
    const std::uint32_t least = rate.rate / 100;
    if (rate.rate == 0) return report.warning(path, "has no effect without rate");
    if (rate.burst > 0 && rate.burst < least)
        report.warning(
            path,
            "allows less than the rate brings in 10 ms, and datagrams of 10 ms may be read together: "
            "a client that keeps the rate loses some (expected at least " +
                std::to_string(least) + ", or 0 for the datagrams of one second)");
}

void check_reserved(const PortRange& port, const System& system, const std::string& path, Report& report) {
    const unsigned reserved = count_reserved(port, system);
    if (reserved == 0 || reserved == size_of(port)) return;
    report.warning(path, std::to_string(reserved) +
                             " of its ports are in net.ipv4.ip_local_reserved_ports, "
                             "perhaps for another program (choose other ports, or reserve the whole range "
                             "for proxyd)");
}

void check(const Config& config, const System& system, Report& report) {
    check_burst(config.udpserver.per_address.rate, "udpserver.per-address", report);
    check_burst(config.udpserver.per_network.rate, "udpserver.per-network", report);
    check_listeners(config, system, report);
    check_lists(config, report);
    check_rules(config, system, report);
    check_reach(config, report);
    check_same_files(config, report);
    check_status_folder(config, report);
    check_host_names(config, report);
    check_paths(config, system, report);
    check_signals(config, report);
    check_server_side(config, system, report);
}

}  // namespace conf
