#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/endpoint.hpp"

namespace net {

/// The largest UDP payload (K-47), and room to see that something was longer.
inline constexpr std::size_t max_payload = 65507;
inline constexpr std::size_t buffer_size = 65536;

/// A datagram as it was received: a view into a batch's buffer, gone when the batch is read into again.
struct Datagram {
    std::span<std::byte> payload;
    base::Endpoint from;   ///< Family::none when the kernel gave no usable source (L-21)
    base::Endpoint local;  ///< the address it was sent to
    std::uint8_t tos = 0;  ///< DSCP and ECN as received
    bool truncated = false;
    bool is_broadcast = false;  ///< `local` is an IPv4 address that nothing can be sent from
};

}  // namespace net
