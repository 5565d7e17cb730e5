#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/unique_fd.hpp"
#include "bench/udp_load/options.hpp"

namespace load {

/// The client whose answers a socket receives.
struct Owner {
    std::uint32_t client = 0;
    bool one_sequence = false;  ///< churn: the answer to one datagram only
    std::uint64_t sequence = 0;
};

/// The clients' sockets, connected to the target, so the kernel drops answers from anywhere else. All are
/// watched by one epoll descriptor.
class Sockets {
public:
    /// Opens one socket for each client, unless every datagram gets a new one (churn).
    explicit Sockets(const Options& options);

    [[nodiscard]] int epoll() const { return epoll_.get(); }
    [[nodiscard]] int of_client(std::uint32_t client) const { return of_client_[client].get(); }

    /// A new socket for one datagram. The oldest one is closed when there are too many; an answer after
    /// that is lost, or counted as wrong when its port is in use again.
    int open_for(std::uint32_t client, std::uint64_t sequence);

    [[nodiscard]] const Owner& owner(int fd) const { return owners_[static_cast<std::size_t>(fd)]; }

private:
    base::UniqueFd open(const Owner& owner);
    [[nodiscard]] base::Address source_of(std::uint32_t client) const;

    const Options& options_;
    base::UniqueFd epoll_;
    std::size_t max_short_lived_;
    std::vector<base::UniqueFd> of_client_;
    std::deque<base::UniqueFd> short_lived_;
    std::vector<Owner> owners_;  // by descriptor
};

}  // namespace load
