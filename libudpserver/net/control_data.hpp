#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>

#include "base/endpoint.hpp"
#include "libudpserver/net/datagram.hpp"

namespace net {

/// Room for the control messages of one datagram: packet info or destination, and traffic class.
struct alignas(cmsghdr) ControlBuffer {
    std::array<std::byte, CMSG_SPACE(sizeof(sockaddr_in6)) + CMSG_SPACE(sizeof(int))> bytes;
};

/// Reads local address, traffic class and truncation of a received message into `datagram`; the port of
/// `datagram.local` stays as it is unless the socket asks for the original destination.
void read_control(const msghdr& message, Datagram& datagram);

/// Fills the message's control part: the source address to send from (Family::none: the socket's own, O-17)
/// and the traffic class (0: the socket's own).
void write_control(msghdr& message, ControlBuffer& buffer, base::Family family, const base::Endpoint& source,
                   std::uint8_t tos);

}  // namespace net
