#include "libudpserver/net/udp_socket.hpp"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <limits>
#include <mutex>

#include "libudpserver/net/port_holder.hpp"

namespace net {

namespace {

/// The remedy for errors that an administrator can fix; empty for the others.
const char* remedy(const std::string& step, int error) {
    if (step != "bind") return "";
    switch (error) {
        case EADDRINUSE:
            return "; `ss -lunp` shows which program has it";
        case EADDRNOTAVAIL:
            return "; this machine does not have the address (yet)";
        case EACCES:
            return "; start as root, or with CAP_NET_BIND_SERVICE";
        default:
            return "";
    }
}

/// For questions about routes.
struct Probes {
    std::mutex mutex;       ///< one question at a time
    bool are_kept = false;  ///< then none is opened: a family may be absent
    base::UniqueFd v4, v6;
};

Probes& probes() {
    static Probes the_probes;
    return the_probes;
}

base::UniqueFd open_probe(base::Family family) try {
    base::UniqueFd probe = make_udp_socket(family, "probe");
    set_option(probe.get(), SOL_SOCKET, SO_BROADCAST, 1, "probe", "SO_BROADCAST");
    return probe;
} catch (const SocketError&) {
    return {};
}

}  // namespace

SocketError::SocketError(const std::string& subject, const std::string& failed_step, int number,
                         const std::string& found)
    : std::runtime_error(fmt::format("{}: {}: {}{}", subject, failed_step, std::strerror(number),
                                     found.empty() ? remedy(failed_step, number) : found)),
      step(failed_step),
      error(number) {}

base::UniqueFd make_udp_socket(base::Family family, const std::string& subject) {
    const int domain = family == base::Family::v6 ? AF_INET6 : AF_INET;
    base::UniqueFd fd(::socket(domain, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
    if (!fd) throw SocketError(subject, "socket", errno);
    return fd;
}

void set_option(int fd, int level, int name, int value, const std::string& subject, const std::string& step) {
    if (::setsockopt(fd, level, name, &value, sizeof value) != 0) throw SocketError(subject, step, errno);
}

void set_buffer(int fd, int forced, int plain, std::uint64_t bytes, const std::string& subject) {
    const auto value = static_cast<int>(std::min<std::uint64_t>(bytes, std::numeric_limits<int>::max() / 2));
    if (::setsockopt(fd, SOL_SOCKET, forced, &value, sizeof value) == 0) return;
    set_option(fd, SOL_SOCKET, plain, value, subject, "buffer size");
}

int try_bind(int fd, const base::Endpoint& local) {
    sockaddr_storage address;
    const socklen_t length = base::to_sockaddr(local, address);
    return ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 ? 0 : errno;
}

void bind_socket(int fd, const base::Endpoint& local, const std::string& subject) {
    const int error = try_bind(fd, local);
    if (error == EADDRINUSE)
        if (const auto holder = find_port_holder(local))
            throw SocketError(subject, "bind", error, remedy(*holder));
    if (error != 0) throw SocketError(subject, "bind", error);
}

base::Endpoint local_endpoint(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return {};
    return base::from_sockaddr(address, length);
}

std::optional<base::Endpoint> peer_endpoint(int fd) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return std::nullopt;
    return base::from_sockaddr(address, length);
}

std::optional<base::Address> route_source(const base::Endpoint& server) {
    Probes& own = probes();
    const std::lock_guard lock(own.mutex);
    const bool is_v6 = server.family == base::Family::v6;
    const base::UniqueFd& kept = is_v6 ? own.v6 : own.v4;
    const base::UniqueFd once = own.are_kept ? base::UniqueFd() : open_probe(server.family);
    const int probe = own.are_kept ? kept.get() : once.get();
    if (probe < 0 || connect_socket(probe, server) != 0) return std::nullopt;
    const base::Address source = local_endpoint(probe).address();
    disconnect_socket(probe);
    return source;
}

void keep_route_probes() {
    probes().are_kept = true;
    probes().v4 = open_probe(base::Family::v4);
    probes().v6 = open_probe(base::Family::v6);
}

int connect_socket(int fd, const base::Endpoint& server) {
    sockaddr_storage address;
    const socklen_t length = base::to_sockaddr(server, address);
    return ::connect(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 ? 0 : errno;
}

int disconnect_socket(int fd) {
    sockaddr address{};
    address.sa_family = AF_UNSPEC;
    return ::connect(fd, &address, sizeof address) == 0 ? 0 : errno;
}

bool is_connected(int fd) {
    // With these flags nothing is sent, but an address is needed. The C library does not have the second.
    constexpr int probe_only = 0x10;
    return ::send(fd, nullptr, 0, MSG_CONFIRM | probe_only | MSG_DONTWAIT | MSG_NOSIGNAL) == 0 ||
           errno != EDESTADDRREQ;
}

int unmute(int fd) {
    const int unused = 0;
    const int result = ::setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    return result == 0 || errno == ENOENT ? 0 : errno;
}

bool is_muted(int fd) {
    // The kernel refuses to show an eBPF filter (EACCES), and returns success when there is none.
    socklen_t length = 0;
    const int result = ::getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, nullptr, &length);
    return result != 0 ? errno == EACCES : length != 0;
}

ReceiveBuffer receive_buffer_of(int fd) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
    socklen_t length = sizeof info;
    if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &length) != 0) return {};
    return {info[SK_MEMINFO_RMEM_ALLOC], info[SK_MEMINFO_RCVBUF], info[SK_MEMINFO_DROPS]};
}

std::uint32_t dropped(int fd) {
    return receive_buffer_of(fd).dropped;
}

std::optional<base::Duration> age_of_last_read(int fd) {
    // Unlike a control message with each datagram (SO_TIMESTAMPNS) this costs nothing where nobody asks.
    timespec received{}, now{};
    if (::ioctl(fd, SIOCGSTAMPNS, &received) != 0) return std::nullopt;
    ::clock_gettime(CLOCK_REALTIME, &now);
    return base::Duration((now.tv_sec - received.tv_sec) * 1000 +
                          (now.tv_nsec - received.tv_nsec) / 1'000'000);
}

std::size_t drain(int fd) {
    // A zero-length read takes a whole datagram off the queue. Errors (an ICMP report, a bad checksum) are
    // taken off the same way, so only an empty queue ends the loop.
    std::size_t datagrams = 0;
    for (;;) {
        char byte;
        if (::recv(fd, &byte, sizeof byte, MSG_DONTWAIT | MSG_TRUNC) >= 0) {
            ++datagrams;
        } else if (errno == EAGAIN || errno == EBADF || errno == ENOTSOCK) {
            return datagrams;
        }
    }
}

}  // namespace net
