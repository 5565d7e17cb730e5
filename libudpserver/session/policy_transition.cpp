#include "libudpserver/session/policy_transition.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

namespace session {

namespace {

constexpr Duration tick_interval{1000};
constexpr std::size_t max_client_lookups = 1024;  ///< a tick
/// The epoch of a record whose indices are being written.
constexpr std::uint32_t no_epoch = ~std::uint32_t{0};

/// Keeps the compiler from moving writes across it: a REG may die between any two of them.
void fence() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

PolicyTransition::PolicyTransition(const Parts& parts)
    : parts_(parts), epoch_(parts.history != nullptr ? parts.history->epoch : 0) {}

const conf::Rule* PolicyTransition::rule_of(const Record& record) const {
    if (record.policy_epoch == epoch_)
        return record.rule < parts_.policy.size() ? &parts_.policy.rule(record.rule) : nullptr;
    const PastPolicy* past = parts_.history != nullptr ? parts_.history->find(record.policy_epoch) : nullptr;
    const bool known = past != nullptr && record.rule < past->config->session_acl.size();
    return known ? &past->config->session_acl[record.rule] : nullptr;
}

// Adoption.

AdoptResult PolicyTransition::reevaluate_record(Record& record, Instant now) {
    const PastPolicy* past = parts_.history != nullptr ? parts_.history->find(record.policy_epoch) : nullptr;
    if (past == nullptr || record.listener >= past->listeners.size() ||
        record.rule >= past->config->session_acl.size() || record.worker != parts_.worker)
        return AdoptResult::aborted;
    const std::optional<std::size_t> listener = new_listener(*past, record.listener);
    if (!listener) return AdoptResult::policy_closed;
    const policy::Decision decision = parts_.evaluator.decide(record, now);
    const bool is_pending = decision.awaits_rule();
    const std::optional<std::size_t> rule =
        is_pending ? rule_named(past->config->session_acl[record.rule].name) : decision.rule;
    if (!can_continue(record, rule)) return AdoptResult::policy_closed;
    write_indices(record, *listener, *rule, is_pending);
    return AdoptResult::adopted;
}

/// The index of that listener in this configuration, if it still has it.
std::optional<std::size_t> PolicyTransition::new_listener(const PastPolicy& past, std::size_t listener) {
    new_listeners_.resize(parts_.history->past.size());
    auto& map = new_listeners_[static_cast<std::size_t>(&past - parts_.history->past.data())];
    if (map.empty()) {
        std::map<Endpoint, std::size_t> present;
        for (std::size_t i = 0; i < parts_.listeners.size(); ++i)
            present[parts_.listeners.local(i)] = i;
        for (const Endpoint& endpoint : past.listeners) {
            const auto found = present.find(endpoint);
            map.push_back(found == present.end() ? std::nullopt : std::optional(found->second));
        }
    }
    return map[listener];
}

std::optional<std::size_t> PolicyTransition::rule_named(const std::string& name) const {
    for (std::size_t i = 0; i < parts_.policy.size(); ++i)
        if (parts_.policy.rule(i).name == name) return i;
    return std::nullopt;
}

/// A session cannot change its type: other senders would be allowed, or its socket would not fit.
bool PolicyTransition::can_continue(const Record& record, std::optional<std::size_t> rule) const {
    return rule && parts_.policy.rule(*rule).action == conf::Action::accept &&
           parts_.policy.rule(*rule).type == record.type;
}

/// Indices of one configuration with the epoch of another would be believed: a record in between has none.
void PolicyTransition::write_indices(Record& record, std::size_t listener, std::size_t rule,
                                     bool is_pending) const {
    record.policy_epoch = no_epoch;
    fence();
    record.listener = static_cast<std::uint16_t>(listener);
    record.rule = static_cast<std::uint16_t>(rule);
    record.policy_pending = is_pending ? 1 : 0;
    fence();
    record.policy_epoch = epoch_;
}

void PolicyTransition::adopted(Session session, bool moved) {
    if (moved) moved_.push_back(session.slot());
    if (session->policy_pending == 0) return;
    ++pending_sessions_;
    awaiting_name_.push_back(session.id());
}

void PolicyTransition::finish_adoption(Instant now) {
    for (const Slot slot : std::exchange(moved_, {}))
        parts_.moves.review(parts_.sessions.at(slot), now);
}

// Running sessions.

void PolicyTransition::reevaluate(Session session, Instant now) {
    if (!session.is_open() || session->policy_pending == 0) return;
    const policy::Decision decision = parts_.evaluator.decide(session.record(), now);
    if (decision.kind == policy::Decision::Kind::awaits_names) return;
    if (decision.kind == policy::Decision::Kind::awaits_client_names)
        return parts_.pending.request_client_names(session->client.address(), now);
    forget(session);
    if (!can_continue(session.record(), decision.rule))
        return parts_.sessions.close(session, CloseReason::policy);
    write_indices(session.record(), session->listener, *decision.rule, false);
    parts_.sessions.set_deadline(session, parts_.policy.rule(session->rule).limits);
    parts_.moves.review(session, now);
}

void PolicyTransition::names_changed(Instant now) {
    for (Slot slot = parts_.sessions.first(); slot < parts_.sessions.end() && pending_sessions_ > 0; ++slot)
        reevaluate(parts_.sessions.at(slot), now);
}

void PolicyTransition::client_names_arrived(const base::Address& client, Instant now) {
    for (const SessionId& id : std::deque<SessionId>(awaiting_name_)) {
        const Session session = parts_.sessions.find(id);
        if (session && session->client.address() == client) reevaluate(session, now);
    }
}

/// A client whose names cannot be resolved is asked for again, until they are.
void PolicyTransition::tick(Instant now) {
    if (awaiting_name_.empty() || now < next_tick_) return;
    next_tick_ = now + tick_interval;
    for (std::size_t count = std::min(awaiting_name_.size(), max_client_lookups); count > 0; --count) {
        const SessionId id = awaiting_name_.front();
        awaiting_name_.pop_front();
        const Session session = parts_.sessions.find(id);
        if (!session) continue;
        reevaluate(session, now);
        if (session.is_open() && session->policy_pending != 0) awaiting_name_.push_back(id);
    }
}

std::optional<Instant> PolicyTransition::next_tick() const {
    return awaiting_name_.empty() ? std::nullopt : std::optional(next_tick_);
}

void PolicyTransition::forget(Session session) {
    if (std::exchange(session->policy_pending, 0) != 0) --pending_sessions_;
}

}  // namespace session
