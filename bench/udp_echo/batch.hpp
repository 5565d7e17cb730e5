#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "base/endpoint.hpp"

namespace echo {

/// Buffers for one recvmmsg: a fixed number of datagrams of any legal size, with their senders. What was
/// received can be sent back in place.
class Batch {
public:
    static constexpr std::size_t capacity = 64;
    static constexpr std::size_t buffer_size = 65536;

    Batch();

    /// Receives what is there, without waiting; returns how many datagrams.
    std::size_t receive(int fd);

    [[nodiscard]] base::Endpoint from(std::size_t index) const;
    [[nodiscard]] std::span<const std::byte> payload(std::size_t index) const;

    /// Marks a received datagram to be sent back to its sender by the next send().
    void answer(std::size_t index);
    /// Sends what was marked. Returns how many the kernel would not take.
    std::size_t send(int fd);

private:
    std::unique_ptr<std::byte[]> buffers_;
    std::array<sockaddr_storage, capacity> addresses_{};
    std::array<iovec, capacity> parts_{};
    std::array<mmsghdr, capacity> received_{};
    std::array<mmsghdr, capacity> answers_{};
    std::size_t answer_count_ = 0;
};

}  // namespace echo
