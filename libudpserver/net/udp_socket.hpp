#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"

namespace net {

/// A step of making a socket failed (L-3): `what()` is `127.0.0.1:53: bind: Address already in use`,
/// and what to do about it when that is known.
struct SocketError : std::runtime_error {
    SocketError(const std::string& who, const std::string& failed_step, int number);
    std::string step;
    int error;
};

/// A non-blocking, close-on-exec UDP socket (L-4). Throws SocketError.
base::UniqueFd make_udp_socket(base::Family family, const std::string& who);

/// Throws SocketError naming `step` when the kernel refuses.
void set_option(int fd, int level, int name, int value, const std::string& who, const std::string& step);

/// Sets a buffer's size: with `forced` (SO_RCVBUFFORCE), which passes net.core.rmem_max and needs
/// CAP_NET_ADMIN, or else with `plain` (SO_RCVBUF), which takes what it gets. Throws SocketError.
void set_buffer(int fd, int forced, int plain, std::uint64_t bytes, const std::string& who);

/// Returns 0 or the errno.
int try_bind(int fd, const base::Endpoint& local);
/// Throws SocketError.
void bind_socket(int fd, const base::Endpoint& local, const std::string& who);

/// What the socket is bound and connected to; Family::none and nothing when it is not.
base::Endpoint local_endpoint(int fd);
std::optional<base::Endpoint> peer_endpoint(int fd);

/// The operations of a pool socket's life. Each returns 0 or the errno; none blocks.
int connect_socket(int fd, const base::Endpoint& server);
int disconnect_socket(int fd);
/// The end of what DeafFilter::close_ears does; nothing happens to a socket that hears.
int open_ears(int fd);
/// How many datagrams the kernel dropped at this socket so far: those its closed ears did not hear, and those
/// that found its buffer full.
std::uint32_t dropped(int fd);
/// Throws away all queued datagrams and pending errors; returns how many datagrams those were.
std::size_t drain(int fd);

}  // namespace net
