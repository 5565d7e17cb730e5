#include "libudpserver/session/engine_parts.hpp"

#include "libudpserver/net/udp_socket.hpp"

namespace session {

namespace {

std::vector<bool> wildcards(const net::ListenerSet& listeners) {
    std::vector<bool> result;
    for (std::size_t i = 0; i < listeners.size(); ++i)
        result.push_back(listeners.wildcard(i));
    return result;
}

/// Whether the machine has this address: only such a one can be bound.
bool is_local(const base::Address& address) try {
    const base::UniqueFd probe = net::make_udp_socket(address.family, "probe");
    return net::try_bind(probe.get(), Endpoint(address, 0)) == 0;
} catch (const net::SocketError&) {
    return false;  // without a socket of this family the machine has no such address
}

/// The proxy itself receives what is sent there.
bool is_own(const net::ListenerSet& listeners, const Endpoint& endpoint) {
    if (listeners.listens_at(endpoint, {})) return true;
    const base::Address address = endpoint.address();
    return listeners.listens_at(endpoint, address) && is_local(address);
}

}  // namespace

EngineParts::EngineParts(const EngineSetup& setup)
    : config(setup.config),
      listeners(setup.listeners),
      worker(setup.worker),
      proxy(setup.proxy),
      policy(config, [this](const Endpoint& endpoint) { return is_own(listeners, endpoint); }),
      hold_budget(config.resolver.hold, config.udpserver.workers),
      sessions(config.udpserver, setup.arena, worker, wildcards(listeners), setup.start),
      reports(config, setup.arena.totals(worker), worker, sessions.max_sessions()),
      sockets(config.udpserver, setup.pool, setup.arena.pool(), worker, sessions.size(), setup.add_to_poller,
              setup.request_sockets),
      outbox(worker, listeners, sockets, policy, sessions, reports),
      pending(config.resolver.timeout, hold_budget, setup.look_up, reports),
      evaluator(policy, pending.client_names()),
      moves(policy, sessions, sockets, outbox, reports),
      renewal(policy, sessions, sockets, outbox, moves, reports),
      transition({.history = setup.history,
                  .listeners = listeners,
                  .worker = worker,
                  .policy = policy,
                  .evaluator = evaluator,
                  .sessions = sessions,
                  .pending = pending,
                  .moves = moves}),
      admission(config.udpserver, static_cast<std::uint32_t>(sessions.size()), config.udpserver.workers) {}

}  // namespace session
