#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"

namespace session {

/// An epoll set with all sockets that carry a worker's datagrams: the event loop watches this one descriptor
/// instead of thousands. It is level-triggered, so the next turn reads what this one leaves, and the kernel
/// serves ready sockets in turn.
class DataPoller {
public:
    static constexpr std::size_t max_events = 64;

    /// Throws std::system_error.
    DataPoller();

    /// Tag is given back with each event. A socket is watched until it is closed everywhere. Throws.
    void add(int fd, std::uint64_t tag);

    /// Tags of sockets that are readable or have an error now; never waits.
    std::span<const epoll_event> ready();

    [[nodiscard]] int descriptor() const { return fd_.get(); }

private:
    base::UniqueFd fd_;
    std::array<epoll_event, max_events> events_{};
};

}  // namespace session
