#include "libudpserver/session/session_context.hpp"

#include <utility>

#include "libudpserver/session/session_engine.hpp"

namespace session {

namespace {

Session session_at(EngineParts& parts, Slot slot) {
    return parts.sessions.at(slot);
}

}  // namespace

const Record& SessionContext::record() const {
    return session_at(parts_, slot_).record();
}

std::span<std::byte, 64> SessionContext::state() {
    return session_at(parts_, slot_)->proxy;
}

bool SessionContext::set_server(const Endpoint& server) {
    return parts_.proxy.chooses_servers() && parts_.moves.set_server(session_at(parts_, slot_), server, now_);
}

void SessionContext::resolve(const std::string& name, Resolved done) {
    const SessionId id = session_at(parts_, slot_).id();
    parts_.pending.look_up(
        {.name = name},
        [id, name, done = std::move(done)](SessionEngine& engine, const base::LookupAnswer& answer,
                                           Instant now) { engine.resolved(id, name, done, answer, now); });
}

void SessionContext::resume() {
    const Session session = session_at(parts_, slot_);
    if (session.is_holding()) session.side().extra->is_resuming = true;
}

void SessionContext::send_to_client(std::span<const std::byte> payload) {
    const Session session = session_at(parts_, slot_);
    parts_.outbox.to_client(session, payload, 0, session->local);
    parts_.outbox.flush(now_);  // the payload is the caller's and goes with this call
}

void SessionContext::send_to_server(std::span<const std::byte> payload) {
    const Session session = session_at(parts_, slot_);
    if (session->socket == no_socket) return;  // in Proxy::open there is none yet
    // Without a route from its source it is sent again when the turn ends, and the payload is the caller's.
    HoldQueue::Held copy{.from = {}, .local = {}, .payload = {payload.begin(), payload.end()}};
    parts_.outbox.to_server(session, copy.payload, 0);
    parts_.outbox.keep(std::move(copy));
    parts_.outbox.flush(now_);
}

void SessionContext::close() {
    parts_.sessions.close(session_at(parts_, slot_), CloseReason::proxy);
}

}  // namespace session
