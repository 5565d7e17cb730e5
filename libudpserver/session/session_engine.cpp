#include "libudpserver/session/session_engine.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace session {

namespace {

/// How many timers a tick may serve (O-36): the rest follows right after the next turn.
constexpr std::size_t max_timers = 1024;
/// At the end of the process: that many may be recorded twice if it is killed.
constexpr std::size_t last_records_per_drain = 64;
/// How often clients that wait for a socket try one that was released meanwhile.
constexpr Duration socket_poll_interval{20};

}  // namespace

Slot first_slot(const Arena& arena, const conf::Config& config, unsigned worker) {
    return first_slot(arena.records().size(), worker, config.udpserver.workers);
}

SessionEngine::SessionEngine(const EngineSetup& setup)
    : parts_(setup),
      forwarder_(parts_),
      opener_(parts_, RefusedClients(setup.arena.refused_clients(), setup.worker == 0)) {}

SessionEngine::~SessionEngine() = default;

// Datagrams.

void SessionEngine::on_client(std::size_t listener, net::Datagram& datagram, bool& is_charged, Instant now) {
    const SessionKey key = parts_.key_of(listener, datagram);
    Session session = find_unexpired(key, now);
    if (session && !within_rate(session, now)) return;
    if (session && leaves_server(session, datagram, is_charged, now)) {
        leave_silent_server(session, now);
    } else if (session) {
        const conf::SessionLimits& limits = parts_.rule_of(session).limits;
        const Admit admit = client_datagram(session.record(), limits, datagram.payload.size());
        if (admit == Admit::forward) return forwarder_.to_server(session, datagram, now);
        if (admit == Admit::refuse) return parts_.reports.over_limit();
        parts_.sessions.detach(session);
    }
    if (parts_.pending.append(key, listener, datagram, now)) return;
    session = open(listener, datagram, is_charged, now);
    if (session && within_rate(session, now)) forwarder_.to_server(session, datagram, now);
}

bool SessionEngine::within_rate(Session session, Instant now) {
    const conf::DatagramRate& limit = parts_.rule_of(session).limits.rate;
    if (limit.rate == 0 || session.side().rate.take(rate_of(limit), now)) return true;
    parts_.reports.over_rate(session, now);
    return false;
}

/// A client that may not open a session now keeps the one it has: a silent server may still reply.
bool SessionEngine::leaves_server(Session session, const net::Datagram& datagram, bool is_charged,
                                  Instant now) const {
    return is_silent(session.side().silence, parts_.rule_of(session).limits.no_answer, now) &&
           opener_.precheck(datagram, is_charged, now, 1) == CloseReason::none;
}

/// The client's datagram opens a new session, which may have another server, source and route.
void SessionEngine::leave_silent_server(Session session, Instant now) {
    opener_.silent_servers().add(session->client.address(), session->server, now);
    parts_.sessions.close(session, CloseReason::no_answer);
    settle(now);
}

/// The timer may be late by a tick and its budget; the limit is not.
Session SessionEngine::find_unexpired(const SessionKey& key, Instant now) {
    const Session session = parts_.sessions.find(key);
    if (!session) return session;
    const CloseReason reason =
        expired(session.record(), parts_.rule_of(session).limits, now, session.side().idle_window);
    if (reason == CloseReason::none) return session;
    parts_.sessions.close(session, reason);
    settle(now);  // the next session may need its place, and its share of what the source may have
    return {};
}

Session SessionEngine::open(std::size_t listener, const net::Datagram& datagram, bool& is_charged,
                            Instant now) {
    policy::Decision decision;
    CloseReason reason = opener_.precheck(datagram, is_charged, now);
    if (reason == CloseReason::none) {
        decision = opener_.decide(datagram, now);
        reason = parts_.evaluator.refusal(decision, datagram.from.address(), now);
    }
    if (reason == CloseReason::none && decision.kind != policy::Decision::Kind::accept) {
        reason = opener_.park(listener, datagram, decision, is_charged, now);
        if (reason == CloseReason::none) return {};
    } else if (reason == CloseReason::none) {
        reason = opener_.admit(listener, datagram, decision, is_charged, now);
        if (reason == CloseReason::no_socket && opener_.expects_socket(decision)) {
            reason = opener_.park(listener, datagram, decision, is_charged, now);
            if (reason == CloseReason::none) return {};
        }
        if (reason == CloseReason::none)
            reason = make_room(parts_.policy.rule(*decision.rule).type, datagram.from.address(), now);
        const Session session = reason == CloseReason::none ? parts_.sessions.free_place() : Session();
        if (session) reason = opener_.start(session, listener, datagram, decision, now);
        if (reason == CloseReason::none) return session;
    }
    parts_.reports.refused(datagram, reason, decision.rule, now);
    return {};
}

CloseReason SessionEngine::make_room(conf::SessionType type, const base::Address& source, Instant now) {
    // What was closed in this turn still has its place.
    if (parts_.sessions.is_full() && parts_.sessions.has_closing()) settle(now);
    const auto [evicted, refusal] = parts_.sessions.room_for(type, source, now);
    if (evicted) {
        parts_.sessions.close(evicted, CloseReason::evicted);
        settle(now);
    }
    return refusal;
}

void SessionEngine::on_server_error(SocketIndex socket, int error, Instant now) {
    if (const Session session = forwarder_.session_of(socket)) parts_.outbox.icmp_error(session, error, now);
}

void SessionEngine::on_icmp(SocketIndex socket, const net::IcmpReport& report, Instant now) {
    const Session session = forwarder_.session_of(socket);
    if (!session || !session.is_open()) return;
    const auto are_same = [](const Endpoint& quoted, const Endpoint& ours) {
        return quoted.bytes == ours.bytes && quoted.port == ours.port;
    };
    if (are_same(report.server, session->server) && are_same(report.source, parts_.sockets.local(socket)))
        parts_.outbox.icmp_error(session, report.error, now);
}

// Closing.

void SessionEngine::settle(Instant now) {
    settled_ = now;
    parts_.outbox.flush(now);
    if (parts_.outbox.has_unsent()) parts_.renewal.resend(now);
    // Closing may make a handler send a last datagram or close another session.
    while (const Session session = parts_.sessions.next_closing())
        close(session, now);
}

void SessionEngine::close(Session session, Instant now) {
    session->state = State::closing;
    if (SessionSide& side = session.side(); side.handler) {
        SessionContext context(parts_, session.slot(), now);
        side.handler->on_close(context, session->reason);
        side.handler.reset();
    }
    if (SessionExtra* extra = session.side().extra.get()) {
        parts_.reports.hold_dropped(extra->queue.size());
        extra->queue.clear();
    }
    parts_.transition.forget(session);
    parts_.admission.closed(session->client.address());
    if (session->confirmed == 1) parts_.admission.confirmed(session->client.address(), now);
    parts_.reports.dropped_by_kernel(
        parts_.sockets.release(session.record(), parts_.rule_of(session).limits, now));
    // Free before it is counted: a REG that dies here does not make its successor count it again.
    if (!is_ending_) session->state = State::free;
    parts_.reports.closed(session, parts_.transition.rule_of(session.record()), now);
    is_ending_ ? recorded_.push_back(session.slot()) : parts_.sessions.remove(session);
    parts_.report_open();
}

void SessionEngine::close_all(CloseReason reason, Instant now) {
    is_ending_ = true;
    std::size_t closed = 0;
    for (Slot slot = parts_.sessions.first(); slot < parts_.sessions.end(); ++slot) {
        const Session session = parts_.sessions.at(slot);
        if (session->state != State::open) continue;
        parts_.sessions.close(session, reason);
        if (++closed % last_records_per_drain == 0) hand_over_records(now);
    }
    refuse_pending(parts_.pending.take([](const auto&) { return true; }), reason, now);
    hand_over_records(now);
    parts_.reports.flush_refusals(now, true);
    is_ending_ = false;
}

/// No record may be lost in the queue of the log (K-23), neither because it is full nor because REG is
/// killed: until LOG has a record its session stays, for the process that records what is left (E-11).
/// Nothing is forwarded any more, so waiting harms nobody.
void SessionEngine::hand_over_records(Instant now) {
    settle(now);
    base::log::drain();
    for (const Slot slot : std::exchange(recorded_, {}))
        parts_.sessions.remove(parts_.sessions.at(slot));
    parts_.report_open();
}

void SessionEngine::leave(Instant now) {
    settle(now);
    parts_.reports.flush_refusals(now, true);
}

void SessionEngine::tick(Instant now) {
    fail_lookups(now);
    parts_.transition.tick(now);
    parts_.sockets.tick(now);
    parts_.moves.run_pending(now);
    parts_.renewal.run_pending(now);
    resume(opener_.take_with_socket(now), now);
    refuse_pending(parts_.pending.take_overdue(now), CloseReason::none, now);
    parts_.sessions.expire(now, max_timers, [this, now](Session session) {
        const conf::SessionLimits& limits = parts_.rule_of(session).limits;
        const CloseReason reason = expired(session.record(), limits, now, session.side().idle_window);
        if (reason == CloseReason::none) {
            parts_.sessions.set_deadline(session, limits);
        } else {
            parts_.sessions.close(session, reason);
        }
    });
    settle(now);
    parts_.reports.flush_refusals(now);
}

std::optional<Instant> SessionEngine::next_tick() const {
    std::optional<Instant> next;
    const auto consider = [&next](std::optional<Instant> at) {
        if (at) next = next ? std::min(*next, *at) : *at;
    };
    consider(parts_.sessions.next_deadline());
    consider(parts_.reports.next_flush());
    consider(parts_.pending.next_deadline());
    consider(parts_.transition.next_tick());
    consider(parts_.sockets.next_tick());
    if (parts_.pending.has_unanswerable() || parts_.moves.has_pending() || parts_.renewal.has_pending())
        consider(settled_);
    if (parts_.pending.awaiting_socket() > 0) consider(settled_ + socket_poll_interval);
    return next;
}

// Names and look-ups.

std::size_t SessionEngine::update_name(std::size_t name, policy::Names::Addresses addresses, bool unresolved,
                                       Instant now) {
    parts_.evaluated_at = now;
    const ServerMoves::Change change = parts_.moves.update(name, std::move(addresses), unresolved);
    if (!change.changed) return 0;
    std::size_t left = 0;
    if (adopted_) {
        parts_.transition.names_changed(now);
        left = parts_.moves.review(name, change, now);
    }
    resume(parts_.pending.take([this, now](PendingClients::Client& client) {
        return client.decision.awaits_configured_names() && opener_.reevaluate(client, now);
    }),
           now);
    settle(now);
    return left;
}

void SessionEngine::client_names_arrived(const base::Address& client, const base::LookupAnswer& answer,
                                         Instant now) {
    parts_.pending.client_names_arrived(parts_.sessions, client, answer, now);
    parts_.transition.client_names_arrived(client, now);
    resume(parts_.pending.take([&](PendingClients::Client& pending) {
        return pending.decision.kind == policy::Decision::Kind::awaits_client_names &&
               pending.key.client.address() == client && opener_.reevaluate(pending, now);
    }),
           now);
}

/// Treats the datagrams of the clients as if they came now, in their order.
void SessionEngine::resume(PendingClients::List clients, Instant now) {
    for (PendingClients::Client& client : clients) {
        bool is_charged = true;
        while (!client.queue.empty()) {
            HoldQueue::Held held = client.queue.pop();
            net::Datagram datagram = held.datagram();
            on_client(held.listener, datagram, is_charged, now);
            parts_.outbox.keep(std::move(held));
        }
    }
}

void SessionEngine::refuse_pending(PendingClients::List clients, CloseReason reason, Instant now) {
    for (PendingClients::Client& client : clients) {
        while (!client.queue.empty()) {
            HoldQueue::Held held = client.queue.pop();
            const CloseReason own = reason == CloseReason::none ? client.failure() : reason;
            parts_.reports.refused(held.datagram(), own, client.decision.rule, now);
        }
    }
}

void SessionEngine::resolved(SessionId id, const std::string& name, const SessionContext::Resolved& done,
                             const base::LookupAnswer& answer, Instant now) {
    const Session session = parts_.sessions.find(id);
    if (!session) return;
    if (is_failure(answer.status)) parts_.reports.lookup_failed(session, name, answer);
    forwarder_.resolved(session, done, answer, now);
}

void SessionEngine::fail_lookups(Instant now) {
    if (!parts_.pending.has_unanswerable()) return;
    const base::LookupAnswer answer{.status = base::LookupAnswer::server_failure,
                                    .detail = "look-ups are not available"};
    for (const LookupDone& done : parts_.pending.take_unanswerable())
        done(*this, answer, now);
}

void SessionEngine::addresses_changed(std::vector<base::Address> local, Instant now) {
    parts_.renewal.addresses_changed(std::move(local), now);
    settle(now);
}

bool SessionEngine::add_socket(SocketIndex socket, std::size_t group) {
    return parts_.sockets.add(socket, group, adopted_);
}

void SessionEngine::sockets_came(std::size_t group, bool complete, Instant now) {
    parts_.sockets.arrived(group, complete, now);
    parts_.moves.sockets_arrived(now);
    resume(opener_.take_with_socket(now), now);
}

// Start.

Adoption SessionEngine::adopt(bool fresh, Instant now) {
    const Adoption result = Adopter(parts_).adopt_all(fresh, now);
    adopted_ = true;
    parts_.transition.finish_adoption(now);
    parts_.moves.review_adopted(now);
    settle(now);
    parts_.report_open();
    parts_.sockets.request_missing(now);
    return result;
}

void SessionEngine::end_leftover(const Record& record, Slot slot, Instant now) {
    parts_.reports.closed_unserved(record, slot, CloseReason::policy, parts_.transition.rule_of(record), now);
}

}  // namespace session
