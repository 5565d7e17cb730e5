#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/endpoint.hpp"

namespace net {

/// The header of a UDP datagram (RFC 768) as it is sent; all in network byte order.
struct UdpHeader {
    UdpHeader() = default;
    /// With the checksum for IPv4. For IPv6 it is zero: the kernel knows it better.
    UdpHeader(const base::Endpoint& source, const base::Endpoint& to, std::span<const std::byte> payload);

    std::uint16_t source = 0, to = 0, length = 0, checksum = 0;
};
static_assert(sizeof(UdpHeader) == 8);

}  // namespace net
