#include "libudpserver/session/forwarder.hpp"

#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

/// DSCP by the rule, ECN always as received (K-49).
std::uint8_t traffic_class(std::uint8_t received, const std::optional<std::uint8_t>& dscp) {
    return dscp ? static_cast<std::uint8_t>(*dscp << 2 | (received & 3)) : received;
}

}  // namespace

// To the server.

void Forwarder::to_server(Session session, net::Datagram& datagram, Instant now) {
    session->last_client = now;
    count_unreplied(session, now);
    if (session->unconfirmed()) confirm(session, now);
    parts_.reports.from_client(session.record(), datagram.payload);
    if (session.is_holding() || pass_to_server(session, datagram, now) == Verdict::hold)
        parts_.pending.hold(session, datagram, now);
    check_client_limit(session);
}

/// A server that never replies may be meant to; only if there is another one, it may rather be down.
void Forwarder::count_unreplied(Session session, Instant now) {
    if (session->type == conf::SessionType::one_way) return;
    if (session->answered() || parts_.policy.has_choice(session->rule))
        session::count_unreplied(session.side().silence, now);
}

void Forwarder::confirm(Session session, Instant now) {
    parts_.sessions.set_confirmed(session);
    parts_.admission.confirmed(session->client.address(), now);
    parts_.report_open();
}

Verdict Forwarder::pass_to_server(Session session, net::Datagram& datagram, Instant now) {
    const Verdict verdict = ask_handler(session, datagram, true, now);
    if (verdict == Verdict::forward) {
        const std::uint8_t tos = traffic_class(datagram.tos, parts_.rule_of(session).dscp.to_server);
        parts_.outbox.to_server(session, datagram.payload, tos);
    }
    return verdict;
}

void Forwarder::check_client_limit(Session session) {
    const conf::SessionLimits& limits = parts_.rule_of(session).limits;
    const CloseReason reached = client_limit(session.record(), limits);
    if (reached == CloseReason::none) return;
    // A one-way session expects no answer, but may still hold datagrams.
    if (session->type == conf::SessionType::one_way && !session.is_holding()) {
        parts_.sessions.close(session, reached);
    } else {
        parts_.sessions.detach(session);
    }
}

// To the client.

void Forwarder::to_client(SocketIndex socket, net::Datagram& datagram, Instant now) {
    const Session session = session_of(socket);
    if (!session || !session.is_open()) return parts_.reports.stray();
    if (datagram.truncated) return parts_.reports.truncated(datagram.from);
    if (is_foreign(session, datagram, now)) return;
    const conf::Rule& rule = parts_.rule_of(session);
    if (const CloseReason over =
            server_datagram_refused(session.record(), rule.limits, datagram.payload.size());
        over != CloseReason::none) {
        parts_.reports.over_limit();
        return parts_.sessions.close(session, over);
    }
    const bool is_first = !session->answered();
    session->last_server = now;
    session.side().silence = {};
    parts_.reports.from_server(session.record(), datagram.payload);
    if (is_first) {
        parts_.sessions.set_answered(session);
        parts_.report_open();
        parts_.sessions.set_deadline(session, rule.limits);
    }
    if (ask_handler(session, datagram, false, now) == Verdict::forward) {
        // Broadcast: each responder keeps its own address (K-43).
        const bool is_broadcast = session->type == conf::SessionType::broadcast;
        parts_.outbox.to_client(session, datagram.payload, traffic_class(datagram.tos, rule.dscp.to_client),
                                is_broadcast ? datagram.from : session->local);
    }
    release_held(session, now);
    if (const CloseReason reached = reply_limit(session.record(), rule.limits); reached != CloseReason::none)
        parts_.sessions.close(session, reached);
}

/// The session that the socket serves; the socket may have served another one, and the record may be
/// anybody's.
Session Forwarder::session_of(SocketIndex socket) const {
    const Slot slot = parts_.sockets.session_of(socket);
    if (!parts_.sessions.has(slot)) return {};
    const Session session = parts_.sessions.at(slot);
    return session->socket == socket ? session : Session();
}

bool Forwarder::is_foreign(Session session, const net::Datagram& datagram, Instant now) {
    switch (action_for_reply(session.record(), parts_.rule_of(session), datagram.from)) {
        case ReplyAction::forward:
            return false;
        case ReplyAction::fix_and_forward:
            session->server = datagram.from;
            session->server_fixed = 1;
            return false;
        case ReplyAction::close_session:
            parts_.reports.one_way_reply(session, datagram.from);
            parts_.sessions.close(session, CloseReason::one_way_reply);
            return true;
        case ReplyAction::foreign:
            break;
    }
    parts_.reports.foreign(session, datagram.from, now);
    return true;
}

// Handlers.

Verdict Forwarder::ask_handler(Session session, net::Datagram& datagram, bool from_client, Instant now) {
    SessionHandler* handler = session.side().handler.get();
    if (handler == nullptr) return Verdict::forward;
    SessionContext context(parts_, session.slot(), now);
    const Verdict verdict =
        from_client ? handler->on_client(context, datagram) : handler->on_server(context, datagram);
    // Only what a client sends can wait.
    const bool is_held = verdict == Verdict::hold && from_client;
    if (verdict != Verdict::forward && !is_held) parts_.reports.dropped_by_proxy();
    if (verdict == Verdict::close) parts_.sessions.close(session, CloseReason::proxy);
    return verdict;
}

void Forwarder::resolved(Session session, const SessionContext::Resolved& done,
                         const base::LookupAnswer& answer, Instant now) {
    SessionContext context(parts_, session.slot(), now);
    done(context, answer);
    release_held(session, now);
    if (is_failure(answer.status) && session.is_holding())
        parts_.sessions.close(session, CloseReason::resolve_failure);
}

void Forwarder::release_held(Session session, Instant now) {
    SessionExtra* extra = session.side().extra.get();
    if (extra == nullptr || !extra->is_resuming) return;
    extra->is_resuming = extra->is_holding = false;
    while (!extra->queue.empty() && session->reason == CloseReason::none) {
        net::Datagram datagram = extra->queue.front().datagram();
        if (pass_to_server(session, datagram, now) == Verdict::hold) {
            extra->queue.front().payload.resize(datagram.payload.size());  // as the handler left it
            extra->is_holding = true;
            return;
        }
        parts_.outbox.keep(extra->queue.pop());
    }
    check_client_limit(session);
}

}  // namespace session
