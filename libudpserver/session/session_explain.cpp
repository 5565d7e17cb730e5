// What would become of a datagram (K-30): the steps of session_opening.cpp, by the same functions where they
// take nothing, in the same order.

#include "libudpserver/session/session_limits.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

/// For a client without a port: whoever has none cannot be answered, and that is not what is asked.
constexpr std::uint16_t some_port = 40'000;

}  // namespace

std::optional<std::size_t> Sessions::listener_at(const Endpoint& local) const {
    std::optional<std::size_t> wildcard;
    for (std::size_t listener = 0; listener < listeners_.size(); ++listener) {
        const Endpoint& own = listeners_.local(listener);
        if (own == local) return listener;
        if (listeners_.wildcard(listener) && own.family == local.family && own.port == local.port)
            wildcard = listener;
    }
    return wildcard;
}

Explanation Sessions::explain(const policy::Question& asked, std::size_t listener, Instant now) {
    policy::Question question = asked;
    if (question.client.port == 0) question.client.port = some_port;
    question.client_names = client_names_.find(question.client.address(), now);
    const net::Datagram datagram{.payload = {},
                                 .from = question.client,
                                 .local = question.local,
                                 .tos = static_cast<std::uint8_t>(question.dscp << 2)};
    Explanation result{.policy = policy_.explain(question)};
    if (explain_known(result, listener, datagram, now)) return result;
    result.reason = knock(datagram, now);
    if (result.reason != CloseReason::none) return result;

    const policy::Decision& decision = result.policy.decision;
    const bool accepted = decision.kind == policy::Decision::Kind::accept;
    const base::Address client = question.client.address();
    result.policy_asked = true;
    result.rule = decision.rule;
    result.server = decision.server;
    result.reason = refusal_by(decision, client, now);
    if (result.reason == CloseReason::none) {
        if (accepted)
            result.reason = no_room_for(*decision.rule, decision.server.family, now);
        else if (!may_wait(client, decision))
            result.reason = CloseReason::resolve_failure;
    }
    if (result.reason == CloseReason::none)
        result.outcome = accepted ? Explanation::Outcome::accepted : Explanation::Outcome::waits;
    return result;
}

/// A client that has a session, or waits for one.
bool Sessions::explain_known(Explanation& result, std::size_t listener, const net::Datagram& datagram,
                             Instant now) {
    const Slot slot = table_.find(key_of(listener, datagram));
    if (slot != none) {
        const Record& session = record(slot);
        const conf::SessionLimits& limits = rule_of(session).limits;
        if (const CloseReason reason = expired(session, limits, now, volatile_of(slot).idle_window);
            reason != CloseReason::none) {
            // As its next datagram does, which may need its place.
            end(slot, reason);
            settle(now);
            return false;
        }
        if (client_datagram(session, limits, 0) != Admit::forward) return false;
        result.outcome = Explanation::Outcome::running;
        result.rule = session.rule;
        result.server = session.server;
        result.session = {slot, session.generation};
        return true;
    }
    const WaitingOpeners::Waiter* waiter = waiting_.find(key_of(listener, datagram));
    if (waiter == nullptr) return false;
    result.outcome = Explanation::Outcome::waits;
    result.policy_asked = true;
    result.rule = waiter->decision.rule;
    return true;
}

/// As begin_waiting(), for a small datagram.
bool Sessions::may_wait(const base::Address& client, const policy::Decision& decision) const {
    if (waiting_.full()) return false;
    return decision.kind != policy::Decision::Kind::awaits_client_names || client_names_.asks(client) ||
           !client_names_.full();
}

/// As admit(), which looks at the same and makes room.
CloseReason Sessions::no_room_for(std::size_t rule, base::Family family, Instant now) {
    const std::size_t group = group_index(policy_.rule(rule), family);
    if (now < supplies_[group].refuse_until || leases_.available(group, now) == 0)
        return CloseReason::no_socket;
    const Slot evicted = to_evict_for(policy_.rule(rule));
    if (full() && evicted == none) return CloseReason::sessions_full;
    if (leases_.can_lease(group, now)) return CloseReason::none;
    const bool frees_one = evicted != none && leases_.group_of(record(evicted).socket) == group &&
                           rest_until(record(evicted), now) <= now;
    return frees_one ? CloseReason::none : CloseReason::no_socket;
}

}  // namespace session
