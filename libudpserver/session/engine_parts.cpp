#include "libudpserver/session/engine_parts.hpp"

namespace session {

namespace {

std::vector<bool> wildcards(const net::ListenerSet& listeners) {
    std::vector<bool> result;
    for (std::size_t i = 0; i < listeners.size(); ++i)
        result.push_back(listeners.wildcard(i));
    return result;
}

}  // namespace

EngineParts::EngineParts(const EngineSetup& setup)
    : config(setup.config),
      listeners(setup.listeners),
      worker(setup.worker),
      proxy(setup.proxy),
      evaluated_at(setup.start),
      own(listeners, *setup.side, setup.read_addresses),
      policy(config, [this](const Endpoint& endpoint) { return own.is_listener(endpoint, evaluated_at); }),
      unreachable(policy),
      hold_budget(config.resolver.hold, config.udpserver.workers),
      sessions(config.udpserver, setup.arena, worker, wildcards(listeners), setup.start),
      reports(config, setup.arena.totals(worker), worker, sessions.max_sessions()),
      sockets(config.udpserver, setup.pool, setup.arena.pool(), worker, sessions.size(), *setup.side,
              setup.request_sockets),
      outbox(worker, listeners, sockets, policy, sessions, reports),
      pending(config.resolver.timeout, config.udpserver.source_share, hold_budget, setup.look_up, reports),
      evaluator(policy, pending.client_names()),
      moves(policy, unreachable, sessions, sockets, outbox, reports),
      renewal(policy, sessions, sockets, outbox, moves, reports),
      transition({.history = setup.history,
                  .listeners = listeners,
                  .worker = worker,
                  .policy = policy,
                  .evaluator = evaluator,
                  .sessions = sessions,
                  .pending = pending,
                  .moves = moves}),
      admission(config.udpserver, static_cast<std::uint32_t>(sessions.size()), config.udpserver.workers),
      source_rates(config.udpserver, sessions.size()) {}

}  // namespace session
