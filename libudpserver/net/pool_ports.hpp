#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "libudpserver/net/pool_groups.hpp"

namespace net {

/// The ports of all server-side sockets of this process. Each worker adds those of its sockets and may ask
/// for those of the others; nothing waits.
class PoolPorts {
public:
    explicit PoolPorts(const std::vector<PoolGroup>& groups);

    /// `bound`: the source of the socket's group with the port.
    void add(const base::Endpoint& bound, int fd);
    /// The socket that is bound to exactly this address and port, which may be the unspecified address; -1 if
    /// none is.
    [[nodiscard]] int descriptor(const base::Endpoint& bound) const;

private:
    struct Ports {
        base::Address source;
        std::array<std::atomic<std::int32_t>, 65536> sockets{};  ///< descriptor + 1 for each port
    };

    [[nodiscard]] Ports* of(const base::Address& source) const;

    std::vector<std::unique_ptr<Ports>> sources_;
};

}  // namespace net
