#include "libudpserver/net/port_plan.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace net {

namespace {

bool can_meet(const base::Address& a, const base::Address& b) {
    return a.family == b.family && (a.is_any() || b.is_any() || a == b);
}

/// Groups of one kind with the same range do not meet, or they would be the same group.
unsigned kind_of(const PoolGroup& group) {
    return (group.source.is_any() ? 0u : 1u) + (group.several_senders ? 2u : 0u);
}

/// Groups that want the same range divide it, each kind of them an equal part.
conf::PortRange part_of(const conf::PortRange& ports, const PoolGroup& wanted,
                        const std::vector<PoolGroup>& groups) {
    std::set<unsigned> kinds;
    for (const PoolGroup& other : groups)
        if (other.family == wanted.family && other.ports == wanted.ports) kinds.insert(kind_of(other));
    const auto place = static_cast<unsigned>(std::distance(kinds.begin(), kinds.find(kind_of(wanted))));
    const unsigned all = ports.last - ports.first + 1u, parts = static_cast<unsigned>(kinds.size());
    return {static_cast<std::uint16_t>(ports.first + all * place / parts),
            static_cast<std::uint16_t>(ports.first + all * (place + 1) / parts - 1)};
}

}  // namespace

PortPlan::PortPlan(const std::vector<PoolGroup>& groups, const conf::PortRange& ports) {
    for (std::size_t i = 0; i < groups.size(); ++i)
        if (groups[i].ports) add(i, groups[i], part_of(*groups[i].ports, groups[i], groups));
    for (std::size_t i = 0; i < groups.size(); ++i)
        if (!groups[i].ports) add(i, groups[i], part_of(ports, groups[i], groups));
}

/// What no other range at the same address has.
void PortPlan::add(std::size_t group, const PoolGroup& wanted, const conf::PortRange& ports) {
    const std::size_t before = ranges_.size();
    for (unsigned port = ports.first; port <= ports.last;) {
        unsigned last = ports.last;
        bool is_taken = false;
        for (std::size_t i = 0; i < before; ++i) {
            const Range& other = ranges_[i];
            if (!can_meet(other.source, wanted.source) || other.ports.last < port) continue;
            if (other.ports.first <= port) {
                is_taken = true;
                port = other.ports.last + 1u;
                break;
            }
            last = std::min(last, other.ports.first - 1u);
        }
        if (is_taken) continue;
        ranges_.push_back({.group = static_cast<std::uint16_t>(group),
                           .source = wanted.source,
                           .ports = {static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(last)},
                           .first = static_cast<std::uint32_t>(size_)});
        size_ += ranges_.back().size();
        port = last + 1;
    }
    if (ranges_.size() == before)
        throw std::runtime_error("server-side: shared: no port is left for " + to_string(wanted) +
                                 ": other rules with the same source have all of them");
}

const PortPlan::Range* PortPlan::range_of(SocketIndex source) const {
    if (index_of(source) >= size_) return nullptr;
    const auto next = std::ranges::upper_bound(ranges_, index_of(source), {}, &Range::first);
    return &*std::prev(next);
}

std::uint16_t PortPlan::port_of(SocketIndex source) const {
    const Range* const range = range_of(source);
    return static_cast<std::uint16_t>(range->ports.first + (index_of(source) - range->first));
}

SocketIndex PortPlan::source_at(const base::Endpoint& local) const {
    for (const Range& range : ranges_) {
        if (range.is_at(local.address()) && range.ports.contains(local.port))
            return SocketIndex{range.first + local.port - range.ports.first};
    }
    return no_socket;
}

}  // namespace net
