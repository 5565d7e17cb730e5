#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/pool_groups.hpp"

namespace net {

/// Which ports server-side sockets may have (S-3): none of a listener, and of the ephemeral range none that
/// is reserved for other programs, and not its last tenth, which is left to them. A rule's own source-port is
/// the administrator's word: it may contain reserved ports.
class SourcePorts {
public:
    /// As the system's settings are now.
    explicit SourcePorts(std::vector<conf::ListenOn> listeners);
    SourcePorts(conf::PortRange ephemeral, const std::vector<conf::PortRange>& reserved,
                std::vector<conf::ListenOn> listeners);

    /// In ascending order.
    [[nodiscard]] std::vector<std::uint16_t> of(const PoolGroup& group) const;

private:
    [[nodiscard]] std::vector<std::uint16_t> without_listeners(const conf::PortRange& range,
                                                               const PoolGroup& group) const;

    conf::PortRange ephemeral_;
    std::bitset<65536> reserved_;
    std::vector<conf::ListenOn> listeners_;
};

}  // namespace net
