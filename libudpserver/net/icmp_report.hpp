#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "base/endpoint.hpp"

namespace net {

/// An ICMP message about a datagram that this machine sent.
struct IcmpReport {
    base::Endpoint source, server;  ///< of the datagram, as the message quotes them; anybody may forge it
    int error = 0;                  ///< the errno that the kernel gives a connected socket for it; 0: none
    /// The kernel has told a socket of it for certain: it discards others, which raw sockets see too.
    bool is_delivered = false;
};

/// Reads a message of a raw ICMP socket; an IPv4 one begins with the IP header. Nothing if it quotes no
/// datagram, none of UDP, or not enough of it.
std::optional<IcmpReport> read_icmp(base::Family family, std::span<const std::byte> message);

}  // namespace net
