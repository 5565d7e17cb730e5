#pragma once

#include <cstdint>
#include <functional>

#include "base/local_addresses.hpp"
#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/shared_ports.hpp"
#include "libudpserver/session/admission.hpp"
#include "libudpserver/session/own_endpoints.hpp"
#include "libudpserver/session/policy_transition.hpp"
#include "libudpserver/session/proxy.hpp"
#include "libudpserver/session/source_rates.hpp"
#include "libudpserver/session/source_renewal.hpp"
#include "libudpserver/session/unreachable_servers.hpp"

namespace session {

/// What a worker's engine is made of and works on; all of it outlives the engine.
struct EngineSetup {
    const conf::Config& config;
    net::ListenerSet& listeners;
    const net::SocketPool& pool;  ///< as inherited
    Arena& arena;
    unsigned worker;
    Proxy& proxy;
    Instant start;
    net::ServerSide* side = nullptr;     ///< of this worker
    net::SharedPorts* shared = nullptr;  ///< the same, if it shares a socket among the sessions
    /// The answer comes as add_socket() and sockets_came().
    SocketSupply::Request request_sockets;
    LookUp look_up;                          ///< empty: look-ups are not available
    const PolicyHistory* history = nullptr;  ///< null: there was never another configuration
    OwnEndpoints::ReadAddresses read_addresses = base::local_addresses;
};

/// The parts of an engine. Each looks after itself; the steps of a session's life, Opener, Forwarder, Adopter
/// and SessionEngine, work with all of them.
struct EngineParts {
    explicit EngineParts(const EngineSetup& setup);
    EngineParts(const EngineParts&) = delete;
    EngineParts& operator=(const EngineParts&) = delete;

    [[nodiscard]] const conf::Rule& rule_of(Session session) const { return policy.rule(session->rule); }
    [[nodiscard]] SessionKey key_of(std::size_t listener, const net::Datagram& datagram) const {
        return {.client = datagram.from,
                .local = listeners.wildcard(listener) ? datagram.local.address() : base::Address{},
                .listener = static_cast<std::uint16_t>(listener)};
    }
    void report_open() { reports.set_open(sessions.open(), sessions.unanswered(), sessions.unconfirmed()); }

    const conf::Config& config;
    net::ListenerSet& listeners;
    unsigned worker;
    Proxy& proxy;
    Instant evaluated_at;  ///< the clock of `policy`, which knows none
    OwnEndpoints own;
    policy::Policy policy;
    UnreachableServers unreachable;
    HoldBudget hold_budget;  ///< the queues of `sessions` and `pending` return to it what they took
    SessionStore sessions;
    SessionReports reports;
    SocketSupply sockets;
    Outbox outbox;
    PendingClients pending;
    PolicyEvaluator evaluator;
    ServerMoves moves;
    SourceRenewal renewal;
    PolicyTransition transition;
    Admission admission;
    SourceRates source_rates;
};

}  // namespace session
