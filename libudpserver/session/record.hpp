#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "libudpserver/net/server_side.hpp"

namespace session {

using base::Duration;
using base::Endpoint;
using base::Instant;

/// A record is written as `opening`, completed, then set `open`; it is set `closing` before its resources are
/// released. A REG that finds anything but `free` and `open` knows that its predecessor died in between.
enum class State : std::uint8_t { free, opening, open, closing };

/// Why a session was closed (K-51) or a first datagram was refused.
enum class CloseReason : std::uint8_t {
    none,
    idle,
    unanswered,
    lifetime,
    client_datagrams,
    server_datagrams,
    client_bytes,
    server_bytes,
    one_way_reply,
    acl,
    no_target,
    sessions_full,
    source_limited,
    rate_limited,
    no_socket,
    socket_error,
    icmp_error,
    evicted,
    policy,
    admin,
    process_end,
    proxy,
    adoption,
    bad_source,
    truncated,
    resolve_failure,  ///< a name that it needs could not be resolved (K-58)
    name_change,      ///< its name no longer has its server's address (on-name-change: close)
    no_answer,        ///< the client kept sending and the server was silent
    loop,             ///< its server is this proxy's own listener
    unconfirmed,      ///< the client has sent nothing since the first reply
    source_rate,      ///< of any datagram: its address or network sends more than it may
    queue_age,        ///< of any datagram: it waited for too long in the receive buffer
    overload,         ///< of any datagram: the receive buffer is half full, its source sends most
    count_
};
/// `idle`, `one-way-reply`, … as in statistics records and in the manual.
std::string_view to_string(CloseReason reason);

/// The place of a session in the arena.
using Slot = std::uint32_t;
inline constexpr Slot none = 0xffffffff;

using net::index_of;
using net::no_socket;
using net::SocketIndex;

/// Datagrams and bytes of one session: received from each side, and sent to the other. They differ by what
/// was dropped.
struct Counters {
    std::uint64_t client_datagrams = 0, client_bytes = 0;  ///< received from the client
    std::uint64_t to_server_datagrams = 0, to_server_bytes = 0;
    std::uint64_t server_datagrams = 0, server_bytes = 0;  ///< received from the server, foreign ones not
    std::uint64_t to_client_datagrams = 0, to_client_bytes = 0;
};

/// The part of a session that survives REG: fixed size, plain data, indices instead of pointers, in shared
/// memory.
struct alignas(64) Record {
    State state = State::free;
    conf::SessionType type = conf::SessionType::normal;
    std::uint8_t worker = 0;
    CloseReason reason = CloseReason::none;
    // Bytes, not bools: a REG that died may have left any value.
    std::uint8_t detached = 0;      ///< 1: not in the table: the next client datagram opens another session
    std::uint8_t server_fixed = 0;  ///< 1: any-port, any-sock: the first reply has come and fixed the server
    std::uint16_t listener = 0;
    std::uint16_t rule = 0;
    std::uint8_t server_chosen = 0;  ///< 1: by the proxy (set_server), not from the rule's plug-to
    std::uint8_t dscp = 0;           ///< of the first datagram, for a policy that comes later
    std::uint32_t generation = 0;
    std::uint32_t policy_epoch = 0;  ///< the configuration under which listener and rule are meant
    SocketIndex socket = no_socket;
    std::uint8_t policy_pending = 0;  ///< 1: the policy cannot decide about it yet: a name is not known
    std::uint8_t confirmed = 0;       ///< 1: the client has sent something after the first reply
    std::uint8_t to_broadcast = 0;    ///< 1: `local` is a broadcast address: replies leave from another one
    std::uint8_t zero = 0;
    std::uint32_t over_rate = 0;  ///< datagrams of the client beyond the rate of its rule

    Endpoint client;  ///< where replies go
    Endpoint local;   ///< the address the client sent to: where replies leave from
    Endpoint server;

    Instant created, last_client, last_server;

    Counters counters;

    std::array<std::byte, 64> proxy{};  ///< the proxy's own state; survives a crash

    [[nodiscard]] bool answered() const { return counters.server_datagrams > 0; }
    /// The client has sent nothing since the first reply: its address may be forged.
    [[nodiscard]] bool unconfirmed() const { return answered() && confirmed != 1; }
};
static_assert(sizeof(Record) == 256 && std::is_trivially_copyable_v<Record>);

}  // namespace session
