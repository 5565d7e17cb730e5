// What becomes of running sessions when a new configuration has another policy. A new REG judges each record
// of an earlier one while it adopts it: as if its first datagram came now, so that nothing goes on that the
// policy refuses. What depends on a name goes on under the rule of the same name until the name is known.

#include <map>
#include <utility>

#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

constexpr Duration look_pause{1000};

/// Keeps the compiler from moving the writes around it: a REG may die between any two of them.
void fence() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

Sessions::Fate Sessions::rejudge(Slot slot, Instant now) {
    Record& session = record(slot);
    const PastPolicy* past = history_ != nullptr ? history_->find(session.policy_epoch) : nullptr;
    if (past == nullptr || session.listener >= past->listeners.size() ||
        session.rule >= past->config->session_acl.size() || session.worker != worker_)
        return Fate::aborted;
    const std::optional<std::size_t> listener = new_listener(*past, session.listener);
    if (!listener) return Fate::ended;
    const policy::Decision decision =
        policy_.decide(question_about(session.client, session.local, session.dscp, now));
    const bool unjudged = decision.awaits_rule();
    const std::optional<std::size_t> rule =
        unjudged ? rule_named(past->config->session_acl[session.rule].name) : decision.rule;
    if (!may_go_on(session, rule)) return Fate::ended;
    write_indices(session, *listener, *rule, unjudged);
    return Fate::adopted;
}

/// Where that listener is now, if it is.
std::optional<std::size_t> Sessions::new_listener(const PastPolicy& past, std::size_t listener) {
    new_listeners_.resize(history_->past.size());
    auto& map = new_listeners_[static_cast<std::size_t>(&past - history_->past.data())];
    if (map.empty()) {
        std::map<Endpoint, std::size_t> now;
        for (std::size_t i = 0; i < listeners_.size(); ++i)
            now[listeners_.local(i)] = i;
        for (const Endpoint& endpoint : past.listeners) {
            const auto found = now.find(endpoint);
            map.push_back(found == now.end() ? std::nullopt : std::optional(found->second));
        }
    }
    return map[listener];
}

std::optional<std::size_t> Sessions::rule_named(const std::string& name) const {
    for (std::size_t i = 0; i < policy_.size(); ++i)
        if (policy_.rule(i).name == name) return i;
    return std::nullopt;
}

/// A session cannot become one of another type: other senders would be allowed, or its socket is not the one.
bool Sessions::may_go_on(const Record& session, std::optional<std::size_t> rule) const {
    return rule && policy_.rule(*rule).action == conf::Action::accept &&
           policy_.rule(*rule).type == session.type;
}

/// Indices of one configuration with the epoch of another would be believed: a record in between has none.
void Sessions::write_indices(Record& session, std::size_t listener, std::size_t rule, bool unjudged) const {
    session.policy_epoch = no_epoch;
    fence();
    session.listener = static_cast<std::uint16_t>(listener);
    session.rule = static_cast<std::uint16_t>(rule);
    session.unjudged = unjudged ? 1 : 0;
    fence();
    session.policy_epoch = epoch_;
}

/// A server that its rule does not have any more is one that went: the rule says what that means. Names that
/// are still to come decide when they come (name_changes.cpp).
void Sessions::settle_server(Slot slot, Instant now) {
    const Record& session = record(slot);
    if (session.state != State::open || session.reason != CloseReason::none) return;
    if (!all_heard(session.rule) || !is_left(session, Review::Kind::all, {})) return;
    if (rule_of(session).on_name_change == conf::OnNameChange::close) {
        end(slot, CloseReason::policy);
    } else {
        leave_address(slot, now);
    }
}

void Sessions::judge_running(Slot slot, Instant now) {
    Record& session = record(slot);
    if (session.state != State::open || session.reason != CloseReason::none || session.unjudged == 0) return;
    const policy::Decision decision =
        policy_.decide(question_about(session.client, session.local, session.dscp, now));
    if (decision.kind == policy::Decision::Kind::awaits_names) return;
    if (decision.kind == policy::Decision::Kind::awaits_client_names) {
        const base::Address client = session.client.address();
        if (!client_names_.failed(client, now) && curiosity_allowed(client)) ask_client_names(client);
        return;
    }
    forget_unjudged(slot);
    if (!may_go_on(session, decision.rule)) return end(slot, CloseReason::policy);
    write_indices(session, session.listener, *decision.rule, false);
    set_deadline(slot);
    settle_server(slot, now);
}

/// A name of the configuration is known: perhaps it was the one.
void Sessions::judge_unjudged(Instant now) {
    for (std::size_t i = 0; i < slice_.size() && unjudged_ > 0; ++i)
        judge_running(first_ + static_cast<Slot>(i), now);
}

/// Clients' names are asked for a few at a time, and again if nobody could tell them, until they are known.
void Sessions::judge_clients(Instant now) {
    if (nameless_.empty() || now < ask_clients_at_) return;
    ask_clients_at_ = now + look_pause;
    for (std::size_t count = std::min<std::size_t>(nameless_.size(), records_at_once); count > 0; --count) {
        const SessionId id = nameless_.front();
        nameless_.pop_front();
        if (!is_open(id)) continue;
        judge_running(id.slot, now);
        if (is_open(id) && record(id.slot).unjudged != 0) nameless_.push_back(id);
    }
}

void Sessions::names_of_unjudged(const base::Address& client, Instant now) {
    for (const SessionId& id : std::deque<SessionId>(nameless_))
        if (is_open(id) && record(id.slot).client.address() == client) judge_running(id.slot, now);
}

void Sessions::forget_unjudged(Slot slot) {
    if (std::exchange(record(slot).unjudged, 0) != 0) --unjudged_;
}

/// The rule by which it ran, under whichever configuration that was.
const conf::Rule* Sessions::rule_for_report(const Record& session) const {
    if (session.policy_epoch == epoch_)
        return session.rule < policy_.size() ? &policy_.rule(session.rule) : nullptr;
    const PastPolicy* past = history_ != nullptr ? history_->find(session.policy_epoch) : nullptr;
    const bool known = past != nullptr && session.rule < past->config->session_acl.size();
    return known ? &past->config->session_acl[session.rule] : nullptr;
}

}  // namespace session
