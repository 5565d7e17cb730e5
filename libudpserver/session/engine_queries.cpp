#include "libudpserver/session/session_engine.hpp"

namespace session {

namespace {

/// For a client without a port: it could not be answered, and that is not the question. The next one is tried
/// if it happens to be a port of the proxy's.
constexpr std::uint16_t some_port = 40'000;

}  // namespace

std::optional<Details> SessionEngine::details(SessionId id, Instant now) {
    const Session session = parts_.sessions.find(id);
    if (!session) return std::nullopt;
    return Details{
        .found = {id.slot, session.record()},
        .deadline = deadline(session.record(), parts_.rule_of(session).limits, session.side().idle_window),
        .holds = session.is_holding(),
        .client_name = std::string(session.client_name()),
        .server_in_rule = parts_.policy.has_server(session->rule, session->server.address()),
        .now = now};
}

bool SessionEngine::close_by_admin(SessionId id, Duration refuse, Instant now) {
    const Session session = parts_.sessions.find(id);
    if (!session) return false;
    if (refuse > Duration{0}) refuse_client(session->client.address(), refuse, now);
    parts_.sessions.close(session, CloseReason::admin);
    return true;
}

std::optional<std::size_t> SessionEngine::listener_at(const Endpoint& local) const {
    std::optional<std::size_t> wildcard;
    for (std::size_t listener = 0; listener < parts_.listeners.size(); ++listener) {
        const Endpoint& own = parts_.listeners.local(listener);
        if (own == local) return listener;
        if (parts_.listeners.wildcard(listener) && own.family == local.family && own.port == local.port)
            wildcard = listener;
    }
    return wildcard;
}

Explanation SessionEngine::explain(const policy::Question& asked, std::size_t listener, Instant now) {
    policy::Question question = asked;
    if (asked.client.port == 0) {
        question.client.port = some_port;
        while (opener_.is_loop(question.client, now) && ++question.client.port != 0) {
        }
    }
    question.client_names = parts_.pending.client_names().find(question.client.address(), now);
    const net::Datagram datagram{.payload = {},
                                 .from = question.client,
                                 .local = question.local,
                                 .tos = static_cast<std::uint8_t>(question.dscp << 2)};
    Explanation result{.policy = parts_.policy.explain(question)};
    if (parts_.source_rates.is_over(question.client.address(), now)) {
        result.reason = CloseReason::source_rate;
        return result;
    }
    const SessionKey key = parts_.key_of(listener, datagram);
    const Session session = find_unexpired(key, now);
    const bool leaves = session && leaves_server(session, datagram, false, now);
    if (session && !leaves) {
        if (client_datagram(session.record(), parts_.rule_of(session).limits, 0) == Admit::forward) {
            result.outcome = Explanation::Outcome::running;
            result.rule = session->rule;
            result.server = session->server;
            result.session = session.id();
            return result;
        }
    } else if (const PendingClients::Client* client = session ? nullptr : parts_.pending.find(key)) {
        result.outcome = Explanation::Outcome::waits;
        result.policy_asked = true;
        result.rule = client->decision.rule;
        return result;
    }
    opener_.explain(result, datagram, now, leaves ? 1 : 0);
    return result;
}

}  // namespace session
