#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "libudpserver/net/send_batch.hpp"

namespace net {

/// The place of a source in the arena. A source is an address and port from which one session at a time
/// reaches its server.
enum class SocketIndex : std::uint32_t {};
inline constexpr SocketIndex no_socket{0xffffffff};
[[nodiscard]] constexpr std::size_t index_of(SocketIndex socket) {
    return static_cast<std::size_t>(socket);
}

/// From whom an open source accepts datagrams.
enum class Accepts : std::uint8_t { server, anyone };

/// How the sessions of a worker reach their servers (doc/design.md, The server side). A source is open while
/// it serves a session; a closed one receives nothing. It stays the same address and port, across crash,
/// reload and upgrade.
///
/// Indices are of sources that the worker has; an implementation does not check them.
class ServerSide {
public:
    virtual ~ServerSide() = default;

    /// Whether open() is worth trying: nothing is left of what was sent before.
    [[nodiscard]] virtual bool may_open(SocketIndex) const { return true; }
    /// Opens a closed source: from now on the worker receives what the server, or anyone, sends to it, and
    /// nothing that was sent before. Returns 0 or the errno.
    [[nodiscard]] virtual int open(SocketIndex source, const base::Endpoint& server, Accepts accepts) = 0;
    /// Closes it; what has arrived is dropped. It remembers the server. Returns 0 or the errno.
    [[nodiscard]] virtual int close(SocketIndex source) = 0;
    /// Adoption: opens the source, which has served a session of the last REG, if it still serves exactly
    /// this. Datagrams that arrived meanwhile stay.
    [[nodiscard]] virtual bool reopen(SocketIndex source, const base::Endpoint& server, Accepts accepts) = 0;

    [[nodiscard]] virtual bool is_closed(SocketIndex source) const = 0;
    /// Whether it remembers a server.
    [[nodiscard]] virtual bool has_server(SocketIndex source) const = 0;
    /// As far as is noted it has never been open, so it needs no quarantine.
    [[nodiscard]] virtual bool is_unused(SocketIndex) const { return false; }
    /// How many datagrams came to it, while it was closed, from the server that it remembers, or found its
    /// buffer full. Only a difference means something.
    [[nodiscard]] virtual std::uint32_t dropped(SocketIndex source) const = 0;
    /// The address and port that the server sees; an unspecified address if the route chooses it for each
    /// datagram.
    [[nodiscard]] virtual base::Endpoint local(SocketIndex source) const = 0;
    /// The address of the source, of any worker, that has this port, if it could be this address: unspecified
    /// if it receives at all addresses of the machine.
    [[nodiscard]] virtual std::optional<base::Address> source_at(const base::Endpoint& local) const = 0;
    /// Routes may have changed: the next source that opens takes the address of the present one.
    virtual void forget_routes() {}
    /// Fills in how a datagram to the server leaves from an open source.
    virtual void address(SocketIndex source, const base::Endpoint& server, Accepts accepts,
                         SendBatch::Order& order) const = 0;
};

}  // namespace net
