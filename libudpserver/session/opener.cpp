#include "libudpserver/session/opener.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "libudpserver/session/session_context.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

/// Answers without a session, for all sources together: 100 in 10 seconds (O-24).
constexpr base::Rate answer_rate{.per_second = 10, .burst = 100};

bool can_be_answered(const Endpoint& client) {
    const base::Address address = client.address();
    return client.port != 0 && address.family != base::Family::none && !address.is_any();
}

}  // namespace

RefusedClients::RefusedClients(std::span<RefusedClient> kept, bool keeps) {
    // A REG that died may have left anything.
    const auto is_address = [](const RefusedClient& entry) {
        return entry.client.family == base::Family::v4 || entry.client.family == base::Family::v6;
    };
    std::ranges::copy_if(kept, std::back_inserter(entries_), is_address);
    if (keeps) kept_ = kept;
}

/// The rest is cleared. An entry that is being written when REG dies has no family.
void RefusedClients::keep() const {
    for (std::size_t i = 0; i < kept_.size(); ++i) {
        kept_[i].client.family = base::Family::none;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (i >= entries_.size()) continue;
        RefusedClient entry = entries_[i];
        const base::Family family = std::exchange(entry.client.family, base::Family::none);
        kept_[i] = entry;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        kept_[i].client.family = family;
    }
}

bool RefusedClients::add(const base::Address& client, Instant until, Instant now) {
    std::erase_if(entries_,
                  [&](const RefusedClient& entry) { return entry.until <= now || entry.client == client; });
    if (entries_.size() >= capacity) return false;
    entries_.push_back({client, until});
    keep();
    return true;
}

bool RefusedClients::contain(const base::Address& client, Instant now) const {
    return std::ranges::any_of(
        entries_, [&](const RefusedClient& entry) { return entry.client == client && now < entry.until; });
}

/// A reply to our own socket, or to a server of ours, comes in as a request, and so on without end. Such a
/// source is forged, or it is our own broadcast.
bool Opener::is_loop(const Endpoint& client, Instant now) const {
    return parts_.policy.is_server(client) || parts_.own.is_listener(client, now) ||
           parts_.own.is_source(client, now);
}

CloseReason Opener::precheck(const net::Datagram& datagram, bool is_charged, Instant now,
                             std::uint32_t leaving) const {
    if (!can_be_answered(datagram.from) || is_loop(datagram.from, now)) return CloseReason::bad_source;
    if (draining_) return CloseReason::admin;
    const base::Address source = datagram.from.address();
    if (refused_clients_.contain(source, now)) return CloseReason::admin;
    return is_charged ? parts_.admission.check_open(source, leaving)
                      : parts_.admission.check(source, now, leaving);
}

policy::Decision Opener::decide(const net::Datagram& datagram, Instant now) {
    const auto dscp = static_cast<std::uint8_t>(datagram.tos >> 2);
    parts_.unreachable.retry(now);
    policy::Decision decision = parts_.evaluator.decide(datagram.from, datagram.local, dscp, now);
    if (decision.kind != policy::Decision::Kind::accept) return decision;
    const base::Address client = datagram.from.address();
    const std::size_t rule = *decision.rule;
    decision.server = preferred_server(rule, decision.server, client, now);
    while (!has_sockets_for(decision)) {
        parts_.sockets.request_missing(now);
        const conf::Server* other = parts_.unreachable.instead_of(decision.server, rule, client, 0, now);
        if (other == nullptr) break;
        decision.server = preferred_server(rule, other->endpoint, client, now);
    }
    return decision;
}

/// A machine without IPv6 has no sockets of this family.
bool Opener::has_sockets_for(const policy::Decision& decision) const {
    return parts_.sockets.exists(group_for(decision));
}

/// Another server of the rule if the first choice cannot be reached or was silent; rather a silent one than
/// one that cannot be reached, since it may reply.
Endpoint Opener::preferred_server(std::size_t rule, const Endpoint& first, const base::Address& client,
                                  Instant now) const {
    const bool is_unreachable = parts_.unreachable.contain(first, rule);
    const auto is_avoided = [&](const Endpoint& server) {
        return silent_servers_.contain(client, server, now) || parts_.unreachable.contain(server, rule);
    };
    if (!is_avoided(first)) return first;
    const conf::Server* other = parts_.policy.server_for(rule, client, is_avoided);
    if (other == nullptr && is_unreachable) other = parts_.unreachable.server_for(rule, client);
    return other == nullptr ? first : other->endpoint;
}

CloseReason Opener::park(std::size_t listener, const net::Datagram& datagram,
                         const policy::Decision& decision, bool& is_charged, Instant now) {
    const SessionKey key = parts_.key_of(listener, datagram);
    CloseReason reason = parts_.pending.park(key, listener, datagram, decision, now);
    if (reason != CloseReason::none) return reason;
    // The rates limit how fast clients fill the room, so they are consumed now and not when the answer comes.
    reason = charge(datagram, is_charged, now);
    if (reason == CloseReason::none && decision.kind == policy::Decision::Kind::awaits_client_names &&
        !parts_.pending.await_client_names(datagram.from.address(), now))
        reason = CloseReason::resolve_failure;
    if (reason == CloseReason::none) {
        parts_.reports.held();
    } else {
        parts_.pending.remove(key);
    }
    return reason;
}

bool Opener::reevaluate(PendingClients::Client& client, Instant now) {
    using Kind = policy::Decision::Kind;
    const base::Address address = client.key.client.address();
    const policy::Decision decision = decide(client.queue.front().datagram(), now);
    if (decision.kind == Kind::accept ||
        parts_.evaluator.refusal(decision, address, now) != CloseReason::none)
        return true;
    client.decision = decision;
    return decision.kind == Kind::awaits_client_names && !parts_.pending.await_client_names(address, now);
}

PendingClients::List Opener::take_with_socket(Instant now) {
    if (parts_.pending.awaiting_socket() == 0) return {};
    std::vector<std::size_t> room;
    for (std::size_t group = 0; group < parts_.sockets.groups(); ++group)
        room.push_back(parts_.sockets.free(group, now));
    return parts_.pending.take([&](PendingClients::Client& client) {
        if (!client.awaits_socket()) return false;
        std::size_t& left = room[group_for(client.decision)];
        if (left == 0) return !expects_socket(client.decision);
        --left;
        return true;
    });
}

CloseReason Opener::admit(std::size_t listener, const net::Datagram& datagram,
                          const policy::Decision& decision, bool& is_charged, Instant now) {
    const conf::Rule& rule = parts_.policy.rule(*decision.rule);
    if (rule.limits.client_bytes > 0 && datagram.payload.size() > rule.limits.client_bytes)
        return CloseReason::client_bytes;
    if (parts_.own.is_listener(decision.server, now)) return CloseReason::loop;
    if (!proxy_accepts(listener, datagram, now)) return CloseReason::proxy;
    // Before a session is evicted for one that gets no socket.
    if (!parts_.sockets.is_available(group_for(decision), decision.server, rule.type,
                                     kind_of(datagram.from.address(), now), now))
        return CloseReason::no_socket;
    return charge(datagram, is_charged, now);
}

SocketSupply::Client Opener::kind_of(const base::Address& client, Instant now) const {
    using Kind = SocketSupply::Client;
    return parts_.admission.may_be_forged(client, now) ? Kind::unknown : Kind::known;
}

/// Takes the session from the rates, once.
CloseReason Opener::charge(const net::Datagram& datagram, bool& is_charged, Instant now) {
    const base::Address source = datagram.from.address();
    return std::exchange(is_charged, false) ? parts_.admission.check_open(source)
                                            : parts_.admission.admit(source, now);
}

/// Asks the proxy and sends its answer if it has one.
bool Opener::proxy_accepts(std::size_t listener, const net::Datagram& datagram, Instant now) {
    const Opening opening = parts_.proxy.judge_opener(datagram);
    // Forged sources must not make a reflector of us.
    if (opening.decision == Opening::Decision::answer && answers_.take(answer_rate, now)) {
        parts_.outbox.answer(listener, datagram, opening.answer);
        parts_.outbox.flush(now);  // the answer is the proxy's memory
    }
    return opening.decision == Opening::Decision::accept;
}

CloseReason Opener::start(Session session, std::size_t listener, const net::Datagram& datagram,
                          const policy::Decision& decision, Instant now) {
    fill(session.record(), listener, datagram, decision, now);
    session.side() = {.handler = nullptr, .idle_window = {now, 0}, .extra = nullptr};
    SessionContext context(parts_, session.slot(), now);
    session.side().handler = parts_.proxy.open(context);
    if (const CloseReason reason = connect(session, now); reason != CloseReason::none) {
        session.side() = {};
        session->state = State::free;
        return reason;
    }
    parts_.sessions.add(session);
    parts_.admission.opened(session->client.address());
    parts_.sessions.set_deadline(session, parts_.rule_of(session).limits);
    parts_.report_open();
    if (parts_.config.log.names) parts_.pending.name_client(session, now);
    parts_.reports.opened(session);
    return CloseReason::none;
}

void Opener::fill(Record& record, std::size_t listener, const net::Datagram& datagram,
                  const policy::Decision& decision, Instant now) const {
    const std::uint32_t generation = record.generation + 1;
    record = Record{.state = State::opening};
    record.type = parts_.policy.rule(*decision.rule).type;
    record.worker = static_cast<std::uint8_t>(parts_.worker);
    record.listener = static_cast<std::uint16_t>(listener);
    record.rule = static_cast<std::uint16_t>(*decision.rule);
    record.generation = generation;
    record.policy_epoch = parts_.transition.epoch();
    record.dscp = static_cast<std::uint8_t>(datagram.tos >> 2);
    record.client = datagram.from;
    record.local = datagram.local;
    record.to_broadcast = datagram.is_broadcast ? 1 : 0;
    record.server = decision.server;
    record.created = record.last_client = record.last_server = now;
}

/// Tries the rule's servers until one can be connected.
CloseReason Opener::connect(Session session, Instant now) {
    for (;;) {
        const std::size_t group = parts_.sockets.group_for(parts_.rule_of(session), session->server.family);
        if (group == parts_.sockets.groups()) return CloseReason::no_socket;
        const auto [socket, error] =
            parts_.sockets.open(group, session.slot(), session->server, session->type, now);
        session->socket = socket;
        if (error == 0) return socket == no_socket ? CloseReason::no_socket : CloseReason::none;
        const conf::Server* other = nullptr;
        if (session->server_chosen == 0)
            other = parts_.unreachable.instead_of(session->server, session->rule, session->client.address(),
                                                  error, now);
        if (other == nullptr) {
            parts_.reports.connect_failed(session, session->server, error, now);
            return CloseReason::socket_error;
        }
        session->server = preferred_server(session->rule, other->endpoint, session->client.address(), now);
    }
}

// Explaining.

void Opener::explain(Explanation& result, const net::Datagram& datagram, Instant now, std::uint32_t leaving) {
    using Outcome = Explanation::Outcome;
    result.reason = precheck(datagram, false, now, leaving);
    if (result.reason != CloseReason::none) return;
    parts_.unreachable.retry(now);
    policy::Decision decision = result.policy.decision;
    const bool accepted = decision.kind == policy::Decision::Kind::accept;
    const base::Address client = datagram.from.address();
    result.policy_asked = true;
    result.rule = decision.rule;
    if (accepted) decision.server = preferred_server(*decision.rule, decision.server, client, now);
    result.server = decision.server;
    result.reason = parts_.evaluator.refusal(decision, client, now);
    if (result.reason == CloseReason::none) {
        bool waits = !accepted;
        if (accepted) result.reason = no_room_for(decision, client, now, waits);
        if (waits) result.reason = may_wait(decision, client);
        if (result.reason == CloseReason::none) result.outcome = waits ? Outcome::waits : Outcome::accepted;
    }
}

/// As park() would say.
CloseReason Opener::may_wait(const policy::Decision& decision, const base::Address& client) const {
    if (const CloseReason reason = parts_.pending.room_for(client, decision); reason != CloseReason::none)
        return reason;
    const ClientNames& names = parts_.pending.client_names();
    const bool can_ask =
        decision.kind != policy::Decision::Kind::awaits_client_names || names.asks(client) || !names.full();
    return can_ask ? CloseReason::none : CloseReason::resolve_failure;
}

/// As admit() would say, after a session was evicted if one had to be. `waits`: for a socket.
CloseReason Opener::no_room_for(const policy::Decision& decision, const base::Address& client, Instant now,
                                bool& waits) {
    if (parts_.own.is_listener(decision.server, now)) return CloseReason::loop;
    const conf::Rule& rule = parts_.policy.rule(*decision.rule);
    const std::size_t group = group_for(decision);
    if (!parts_.sockets.has_socket(group, decision.server, rule.type, kind_of(client, now), now)) {
        waits = expects_socket(decision);
        return CloseReason::no_socket;
    }
    const auto [evicted, refusal] = parts_.sessions.room_for(rule.type, client, now);
    if (refusal != CloseReason::none) return refusal;
    const SocketLeases& leases = parts_.sockets.leases();
    if (parts_.sockets.leases().can_lease(group, now) ||
        (connects(rule.type) && leases.can_lease_for(decision.server, group)))
        return CloseReason::none;
    const bool frees_one =
        evicted && leases.group_of(evicted->socket) == group &&
        (parts_.sockets.quarantined_until(evicted.record(), parts_.rule_of(evicted).limits, now) <= now ||
         (!evicted->answered() && connects(rule.type) &&
          leases.could_lease_for(decision.server, evicted->socket)));
    return frees_one ? CloseReason::none : CloseReason::no_socket;
}

}  // namespace session
