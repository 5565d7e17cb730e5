#pragma once

#include <cstdint>

#include "base/endpoint.hpp"

namespace net {

/// Which worker a client belongs to: only its address and port decide. The kernel receives the same rule as a
/// program for the sockets that share a port, so that a datagram arrives at its worker. Workers hand over
/// what the program cannot decide: an IPv6 datagram with extension headers, or one that was queued while the
/// number of workers changed.
class Steering {
public:
    /// Changes with the rule: all programs that work with an arena must agree on the worker of a session.
    static constexpr std::uint32_t version = 1;

    /// The seed is random for each start, so that a client cannot choose its worker.
    explicit Steering(std::uint32_t seed) : seed_(seed) {}
    /// With a seed from the kernel; throws std::system_error when it gives none.
    static Steering random();

    [[nodiscard]] unsigned worker_of(const base::Endpoint& client, unsigned workers) const;

    /// Gives the kernel the rule for the SO_REUSEPORT group of this socket, whose sockets must be in the
    /// order of the workers. Returns 0 or the errno.
    [[nodiscard]] int attach(int socket, base::Family family, unsigned workers) const;

    [[nodiscard]] std::uint32_t seed() const { return seed_; }

private:
    std::uint32_t seed_;
};

}  // namespace net
