#include "libudpserver/net/source_ports.hpp"

#include <algorithm>
#include <utility>

#include "conf/system_ports.hpp"

namespace net {

namespace {

/// A socket of the group cannot have the listener's port.
bool conflicts(const conf::ListenOn& listener, const PoolGroup& group) {
    return listener.address.family == group.family &&
           (listener.address.is_any() || group.source.is_any() || listener.address == group.source);
}

}  // namespace

SourcePorts::SourcePorts(std::vector<conf::ListenOn> listeners)
    : SourcePorts(conf::ephemeral_ports(), conf::reserved_ports(), std::move(listeners)) {}

SourcePorts::SourcePorts(conf::PortRange ephemeral, const std::vector<conf::PortRange>& reserved,
                         std::vector<conf::ListenOn> listeners)
    : ephemeral_(ephemeral), listeners_(std::move(listeners)) {
    for (const conf::PortRange& range : reserved)
        for (unsigned port = range.first; port <= range.last; ++port)
            reserved_.set(port);
}

std::vector<std::uint16_t> SourcePorts::of(const PoolGroup& group) const {
    if (group.ports) return without_listeners(*group.ports, group);
    std::vector<std::uint16_t> ports = without_listeners(ephemeral_, group);
    std::erase_if(ports, [this](std::uint16_t port) { return reserved_.test(port); });
    ports.resize(ports.size() - (ports.size() + 9) / 10);
    return ports;
}

std::vector<std::uint16_t> SourcePorts::without_listeners(const conf::PortRange& range,
                                                          const PoolGroup& group) const {
    std::vector<conf::PortRange> taken;
    for (const conf::ListenOn& listener : listeners_)
        if (conflicts(listener, group)) taken.push_back(listener.port);
    std::vector<std::uint16_t> ports;
    for (unsigned number = range.first; number <= range.last; ++number) {
        const auto port = static_cast<std::uint16_t>(number);
        if (std::ranges::none_of(taken, [port](const auto& one) { return one.contains(port); }))
            ports.push_back(port);
    }
    return ports;
}

}  // namespace net
