#pragma once

#include <cstdint>

#include "base/endpoint.hpp"

namespace net {

/// Which worker a client belongs to: its address and port decide, and nothing else. The kernel is given the
/// same rule as a program for the sockets that share a port, so that a datagram arrives where it belongs;
/// what it cannot see (an IPv6 datagram with extension headers, one that waited while the number of workers
/// changed) the workers hand over to each other.
class Steering {
public:
    /// Changes with the rule: whose a session is must mean the same to all programs that work with it.
    static constexpr std::uint32_t version = 1;

    /// The seed is random for each start, so that from outside nobody can tell whose a client is.
    explicit Steering(std::uint32_t seed) : seed_(seed) {}
    /// With a seed from the kernel; throws std::system_error when it gives none.
    static Steering random();

    [[nodiscard]] unsigned worker_of(const base::Endpoint& client, unsigned workers) const;

    /// Gives the kernel the rule, for all sockets of this one's SO_REUSEPORT group, which must be in the
    /// order of the workers. Returns 0 or the errno.
    [[nodiscard]] int attach(int socket, base::Family family, unsigned workers) const;

    [[nodiscard]] std::uint32_t seed() const { return seed_; }

private:
    std::uint32_t seed_;
};

}  // namespace net
