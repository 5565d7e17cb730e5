#include "proxyd/shared_side.hpp"

#include <algorithm>
#include <stdexcept>

#include "base/local_addresses.hpp"
#include "base/log.hpp"
#include "libudpserver/net/port_routing.hpp"

namespace proxyd {

namespace {

using conf::ServerSide;

std::unique_ptr<net::SharedSide> make_shared_side(const conf::Config& config) {
    auto side =
        std::make_unique<net::SharedSide>(net::pool_groups(config), config.udpserver.server_ports,
                                          net::SourcePorts(config.listen_on), config.udpserver.workers);
    // An administrator who routes or blocks by ports would not expect that our datagrams pass.
    if (const std::string routing = net::port_routing(); !routing.empty())
        throw std::runtime_error(
            "server-side: shared: " + routing +
            ", and datagrams of a shared socket would not meet it: use server-side: own");
    return side;
}

/// The program of the kernel would take what clients send there.
void check_listeners(const net::SharedSide& side, const conf::Config& config) {
    for (const conf::ListenOn& entry : config.listen_on)
        for (const net::PortPlan::Range& range : side.plan().ranges())
            for (unsigned port = std::max(entry.port.first, range.ports.first);
                 port <= std::min(entry.port.last, range.ports.last); ++port) {
                const net::SocketIndex source{range.first + port - range.ports.first};
                if ((range.is_at(entry.address) ||
                     (entry.address.is_any() && entry.address.family == range.source.family)) &&
                    side.is_usable(source))
                    throw std::runtime_error("with server-side: shared, no listener can begin to use port " +
                                             std::to_string(port) +
                                             ", which is for sessions, while proxyd runs: choose another "
                                             "port, or restart it to apply");
            }
}

}  // namespace

ServerSideChoice choose_server_side(const conf::Config& config) {
    const ServerSide wanted = config.udpserver.server_side;
    if (wanted == ServerSide::own) return {};
    if (wanted == ServerSide::shared) return {make_shared_side(config), {}};
    if (config.sandbox == conf::Sandbox::off && !config.singleproc) return {nullptr, "the sandbox is off"};
    try {
        return {make_shared_side(config), {}};
    } catch (const std::exception& error) {
        return {nullptr, error.what()};
    }
}

/// Loopback addresses serve whether their interface is up or not.
void set_addresses(net::SharedSide& side) {
    auto addresses = base::local_addresses();
    if (!addresses) return;
    for (const char* loopback : {"127.0.0.1", "::1"})
        addresses->push_back(*base::parse_address(loopback));
    // Those of rules may come later, or be anywhere in 127.0.0.0/8.
    for (const net::PortPlan::Range& range : side.plan().ranges())
        if (!range.source.is_any()) addresses->push_back(range.source);
    try {
        side.set_addresses(*addresses);
    } catch (const std::exception& error) {
        base::log::write(base::msg::steering_failed, "{}: replies to some addresses are lost", error.what());
    }
}

void check_change(const net::SharedSide& side, const std::vector<net::PoolGroup>& groups,
                  const conf::Config& config) {
    for (const net::PoolGroup& group : net::pool_groups(config))
        if (std::ranges::find(groups, group) == groups.end())
            throw std::runtime_error("with server-side: shared, rules cannot begin to use another source (" +
                                     net::to_string(group) + ") while proxyd runs: restart it to apply");
    check_listeners(side, config);
}

sandbox::GuardedSockets guarded_sockets(const net::SharedSide& side) {
    const net::SharedSockets& all = side.sockets();
    sandbox::GuardedSockets guarded{.senders = {all.raw_v4, all.raw_v6},
                                    .receivers = {all.icmp_v4, all.icmp_v6}};
    for (const net::SharedSockets::Receivers& worker : all.receivers)
        guarded.receivers.insert(guarded.receivers.end(), {worker.v4, worker.v6});
    std::erase(guarded.senders, -1);
    std::erase(guarded.receivers, -1);
    return guarded;
}

std::string losses_of(const net::SharedSide& side) {
    const net::SharedSide::Counts counts = side.counts();
    std::string text;
    const auto add = [&text](std::uint64_t count, const char* what) {
        if (count > 0) text += ", " + std::to_string(count) + what;
    };
    add(counts.foreign, " datagrams of strangers");
    add(counts.late, " late ones");
    add(counts.failed, " lost in the program of the kernel");
    return text;
}

}  // namespace proxyd
