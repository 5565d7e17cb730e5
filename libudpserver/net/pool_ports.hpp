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

    void add(const base::Endpoint& local);
    /// A socket is bound to exactly this address and port, which may be the unspecified address.
    [[nodiscard]] bool contains(const base::Endpoint& local) const;

private:
    struct Ports {
        base::Address source;
        std::array<std::atomic<std::uint64_t>, 1024> bits{};  ///< one for each port
    };

    [[nodiscard]] Ports* of(const base::Address& source) const;

    std::vector<std::unique_ptr<Ports>> sources_;
};

}  // namespace net
