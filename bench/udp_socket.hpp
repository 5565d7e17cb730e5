#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <system_error>

#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"

namespace bench {

/// Asks for `bytes` of kernel buffer, past the system's limit where privileges allow it.
inline void set_buffer(int fd, int force_option, int option, int bytes) {
    if (::setsockopt(fd, SOL_SOCKET, force_option, &bytes, sizeof bytes) == 0) return;
    (void)::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

/// A non-blocking UDP socket bound to `local`; throws std::system_error with the endpoint in its text.
inline base::UniqueFd bound_socket(const base::Endpoint& local, int buffer_bytes) {
    const int family = local.family == base::Family::v6 ? AF_INET6 : AF_INET;
    base::UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) throw std::system_error(errno, std::generic_category(), "socket");
    set_buffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF, buffer_bytes);
    set_buffer(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
    sockaddr_storage address{};
    const socklen_t length = base::to_sockaddr(local, address);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        throw std::system_error(errno, std::generic_category(), "bind to " + base::to_string(local));
    }
    return fd;
}

}  // namespace bench
