#pragma once

#include <cstdint>
#include <functional>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/lookup.hpp"
#include "libudpserver/session/policy_history.hpp"
#include "libudpserver/session/proxy.hpp"

namespace session {

/// What became of the records that a new REG found.
struct Adoption {
    std::uint32_t adopted = 0, aborted = 0;
    std::uint32_t ended = 0;  ///< by a new policy
};

/// What a rule did, or no rule, since this REG began.
struct RuleCount {
    std::uint64_t begun = 0;    ///< sessions
    std::uint64_t refused = 0;  ///< first datagrams, for whatever reason
};

class Sessions;

/// What a worker's engine is made of and works on; all of it outlives the engine.
struct SessionsSetup {
    const conf::Config& config;
    net::ListenerSet& listeners;
    const net::SocketPool& pool;  ///< as inherited
    Arena& arena;
    unsigned worker;
    Proxy& proxy;
    Instant start;
    std::function<void(int fd, Slot place)> add_to_poller;
    /// Asks the parent for more sockets of a group; the answer comes as add_socket() and sockets_came().
    std::function<void(std::size_t group)> request_sockets;
    /// Asks on line; `done` is called in a later turn of this worker, always. Empty: nobody answers here, and
    /// whatever would need it fails.
    using LookupDone = std::function<void(Sessions&, const LookupAnswer&, Instant now)>;
    std::function<void(Lookup lookup, LookupDone done)> look_up;
    const PolicyHistory* history = nullptr;  ///< null: there was never another configuration
};

}  // namespace session
