#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <memory>

#include "base/endpoint.hpp"

namespace relay {

/// Received datagrams, sent on from where they are.
class Batch {
public:
    static constexpr std::size_t capacity = 64;

    Batch();

    /// Without waiting; returns how many datagrams.
    std::size_t receive(int fd);
    [[nodiscard]] base::Endpoint from(std::size_t index) const;
    /// Sends datagrams `begin` to `end` - 1; to `to`, or to where `fd` is connected. What the kernel does not
    /// take is lost.
    void send(int fd, std::size_t begin, std::size_t end, const base::Endpoint* to = nullptr);

private:
    static constexpr std::size_t buffer_size = 2048;

    std::unique_ptr<std::byte[]> bytes_;
    std::array<iovec, capacity> parts_{};
    std::array<sockaddr_storage, capacity> addresses_{};
    std::array<mmsghdr, capacity> received_{}, sent_{};
};

}  // namespace relay
