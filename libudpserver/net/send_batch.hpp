#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "libudpserver/net/control_data.hpp"
#include "libudpserver/net/datagram.hpp"
#include "libudpserver/net/udp_header.hpp"

namespace net {

/// Datagrams to be sent: collected during a turn and sent in order by flush(), consecutive ones of a socket
/// with one sendmmsg. The payloads belong to the caller and must stay in place until then.
class SendBatch {
public:
    /// Called for each datagram when it was sent or failed, with the tag given to add(), 0 or the errno.
    /// Must not call add().
    using Sent = std::function<void(std::uint64_t tag, std::span<const std::byte> payload, int error)>;

    SendBatch(std::size_t slots, Sent sent);

    struct Order {
        int fd = -1;
        base::Family family = base::Family::v4;
        std::span<const std::byte> payload;
        base::Endpoint to;      ///< Family::none: the socket is connected
        base::Endpoint source;  ///< Family::none: the socket's own address
        std::uint8_t tos = 0;
        std::uint64_t tag = 0;
        /// The socket is a raw one, so the UDP header is sent too, with the port of `source`. The kernel
        /// fills in the checksum for IPv6 (IPV6_CHECKSUM).
        bool is_raw = false;
    };

    /// Flushes first when the batch is full. Never allocates.
    void add(const Order& order);
    void flush();
    [[nodiscard]] bool empty() const { return used_ == 0; }

private:
    std::size_t run_length(std::size_t first) const;
    void send_run(std::size_t first, std::size_t count);
    int send_alone(std::size_t index);
    void report(std::size_t index, int error);

    Sent sent_;
    std::size_t used_ = 0;
    bool flushing_ = false;
    std::vector<mmsghdr> headers_;
    /// The UDP header, if there is one, and the payload.
    std::vector<std::array<iovec, 2>> vectors_;
    std::vector<UdpHeader> udp_headers_;
    std::vector<sockaddr_storage> targets_;
    std::vector<ControlBuffer> controls_;
    std::vector<int> fds_;
    std::vector<std::uint64_t> tags_;
};

}  // namespace net
