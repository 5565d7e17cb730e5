#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"

namespace net {

/// A step of creating a socket failed (L-3): `what()` is `127.0.0.1:53: bind: Address already in use`, with a
/// remedy if one is known.
struct SocketError : std::runtime_error {
    /// `found` is a remedy that fits the case.
    SocketError(const std::string& subject, const std::string& failed_step, int number,
                const std::string& found = {});
    std::string step;
    int error;
};

/// A non-blocking, close-on-exec UDP socket (L-4). Throws SocketError.
base::UniqueFd make_udp_socket(base::Family family, const std::string& subject);

/// Throws SocketError naming `step` when the kernel refuses.
void set_option(int fd, int level, int name, int value, const std::string& subject, const std::string& step);

/// Sets a buffer's size: with `forced` (SO_RCVBUFFORCE), which passes net.core.rmem_max and needs
/// CAP_NET_ADMIN, otherwise with `plain` (SO_RCVBUF), which may set less. Throws SocketError.
void set_buffer(int fd, int forced, int plain, std::uint64_t bytes, const std::string& subject);

/// Returns 0 or the errno.
int try_bind(int fd, const base::Endpoint& local);
/// Throws SocketError.
void bind_socket(int fd, const base::Endpoint& local, const std::string& subject);

/// Where the socket is bound and connected; Family::none and nullopt when it is not.
base::Endpoint local_endpoint(int fd);
std::optional<base::Endpoint> peer_endpoint(int fd);

/// The address from which the machine would send to `server` now; nullopt without a route.
std::optional<base::Address> route_source(const base::Endpoint& server);
/// Makes route_source() use the same sockets from now on, for a process that may not open sockets later. Call
/// it once in such a process, before its first thread; not before a fork.
void keep_route_probes();

/// Operations on a pool socket. Each returns 0 or the errno; none blocks.
int connect_socket(int fd, const base::Endpoint& server);
int disconnect_socket(int fd);
/// Also for a socket that is connected to port 0, which peer_endpoint() does not see.
bool is_connected(int fd);
/// Undoes MuteFilter::mute; a socket that is not muted stays as it is.
int unmute(int fd);
/// Whether the socket has a filter, which is MuteFilter's if it is a pool socket.
bool is_muted(int fd);
/// The receive buffer of a socket, as the kernel accounts for it.
struct ReceiveBuffer {
    std::uint32_t used = 0, size = 0;  ///< bytes, with the kernel's overhead
    std::uint32_t dropped = 0;         ///< datagrams that found it full, or a filter
};
/// All 0 if the kernel does not say.
ReceiveBuffer receive_buffer_of(int fd);
/// How many datagrams the kernel has dropped at this socket: those that came while it was muted, and those
/// that found its buffer full.
std::uint32_t dropped(int fd);
/// How long ago, by the wall clock, the kernel received the datagram that was read last; nullopt if it does
/// not know. The first call makes it keep this time, for datagrams that come afterwards.
std::optional<base::Duration> age_of_last_read(int fd);
/// Discards all queued datagrams and pending errors; returns the number of datagrams.
std::size_t drain(int fd);

}  // namespace net
