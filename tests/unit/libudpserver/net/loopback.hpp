#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/net/udp_socket.hpp"

/// A plain UDP socket on a loopback address, as clients and servers of the tests have it. On loopback a
/// datagram has arrived when send returns, so nothing here waits.
class LoopbackSocket {
public:
    explicit LoopbackSocket(const std::string& address = "127.0.0.1", std::uint16_t port = 0) {
        const base::Endpoint local(*base::parse_address(address), port);
        fd_ = net::make_udp_socket(local.family, "test");
        net::bind_socket(fd_.get(), local, "test");
    }

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] base::Endpoint endpoint() const { return net::local_endpoint(fd_.get()); }

    bool send_to(const base::Endpoint& to, const std::string& payload) const {
        sockaddr_storage address;
        const socklen_t length = base::to_sockaddr(to, address);
        return ::sendto(fd_.get(), payload.data(), payload.size(), MSG_DONTWAIT,
                        reinterpret_cast<sockaddr*>(&address),
                        length) == static_cast<ssize_t>(payload.size());
    }

    struct Received {
        std::string payload;
        base::Endpoint from;
    };
    std::optional<Received> receive() const {
        std::string buffer(65536, '\0');
        sockaddr_storage address{};
        socklen_t length = sizeof address;
        const ssize_t size = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT,
                                        reinterpret_cast<sockaddr*>(&address), &length);
        if (size < 0) return std::nullopt;
        buffer.resize(static_cast<std::size_t>(size));
        return Received{buffer, base::from_sockaddr(address, length)};
    }

private:
    base::UniqueFd fd_;
};
