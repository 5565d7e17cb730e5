#pragma once

#include <optional>
#include <vector>

#include "libudpserver/net/pool_groups.hpp"
#include "libudpserver/net/server_side.hpp"

namespace net {

/// Which source ports the groups have when all sessions share one socket: a source is then only a number, the
/// place of an address and a port. Groups that could be at the same address have different ports.
class PortPlan {
public:
    struct Range {
        std::uint16_t group = 0;
        base::Address source;  ///< any: whatever address of the machine the route chooses
        conf::PortRange ports;
        std::uint32_t first = 0;  ///< the index of its first port

        /// Whatever the interface of a link-local address is: the kernel quotes addresses without it.
        [[nodiscard]] bool is_at(const base::Address& address) const {
            return source.family == address.family && (source.is_any() || source.bytes == address.bytes);
        }
        [[nodiscard]] std::size_t size() const { return std::size_t{ports.last} - ports.first + 1; }
    };

    /// `ports`: of groups without a range of their own. Throws std::runtime_error if nothing is left for a
    /// group.
    PortPlan(const std::vector<PoolGroup>& groups, const conf::PortRange& ports);

    [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
    /// How many sources there are.
    [[nodiscard]] std::size_t size() const { return size_; }
    /// The range of a source; nullptr for an index out of range.
    [[nodiscard]] const Range* range_of(SocketIndex source) const;
    [[nodiscard]] std::uint16_t port_of(SocketIndex source) const;
    /// The source with this address, if it is the machine's, and port; `no_socket` if there is none.
    [[nodiscard]] SocketIndex source_at(const base::Endpoint& local) const;

private:
    void add(std::size_t group, const PoolGroup& wanted, const conf::PortRange& ports);

    std::vector<Range> ranges_;  ///< in ascending order of `first`
    std::size_t size_ = 0;
};

}  // namespace net
