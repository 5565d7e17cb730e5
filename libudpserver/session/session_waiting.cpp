// First datagrams that cannot be judged before a name is known (K-58): they are kept, judged again with each
// answer, and then go the way of any first datagram; or they are refused when their time is over.

#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

constexpr base::Rate hold_lines{.per_second = 1, .burst = 5};

}  // namespace

SessionKey Sessions::key_of(std::size_t listener, const net::Datagram& datagram) const {
    return {.client = datagram.from,
            .local = listeners_.wildcard(listener) ? datagram.local.address() : base::Address{},
            .listener = static_cast<std::uint16_t>(listener)};
}

bool Sessions::join_waiter(std::size_t listener, const net::Datagram& datagram) {
    if (waiting_.empty()) return false;
    WaitingOpeners::Waiter* waiter = waiting_.find(key_of(listener, datagram));
    if (waiter == nullptr) return false;
    if (waiter->queue.push(listener, datagram)) {
        totals_.held.add();
    } else {
        totals_.hold_dropped.add();
        no_room(datagram.from);
    }
    return true;
}

CloseReason Sessions::begin_waiting(std::size_t listener, const net::Datagram& datagram,
                                    const policy::Decision& decision, Instant now) {
    const SessionKey key = key_of(listener, datagram);
    if (waiting_.full()) {
        no_room(datagram.from);
        return CloseReason::resolve_failure;
    }
    WaitingOpeners::Waiter& waiter = waiting_.add(key, now + config_.resolver.timeout);
    waiter.decision = decision;
    CloseReason reason = CloseReason::none;
    if (!waiter.queue.push(listener, datagram)) {
        no_room(datagram.from);
        reason = CloseReason::resolve_failure;
    }
    // The rates bound who may fill the room, so they are asked now and not when the answer comes.
    if (reason == CloseReason::none) reason = charge(datagram, now);
    const bool asks =
        reason == CloseReason::none && decision.kind == policy::Decision::Kind::awaits_client_names;
    if (asks && !await_client_names(datagram.from.address())) reason = CloseReason::resolve_failure;
    if (reason == CloseReason::none) {
        totals_.held.add();
    } else {
        waiting_.remove(key);
    }
    return reason;
}

/// True when there is nothing left to wait for.
bool Sessions::judge_again(WaitingOpeners::Waiter& waiter, Instant now) {
    using Kind = policy::Decision::Kind;
    const base::Address client = waiter.key.client.address();
    const policy::Decision decision = ask_policy(waiter.queue.front().datagram(), now);
    if (decision.kind == Kind::accept || refusal_by(decision, client, now) != CloseReason::none) return true;
    waiter.decision = decision;
    return decision.kind == Kind::awaits_client_names && !await_client_names(client);
}

void Sessions::go_on(WaitingOpeners::List waiters, Instant now) {
    for (WaitingOpeners::Waiter& waiter : waiters)
        replay(waiter, now);
}

void Sessions::replay(WaitingOpeners::Waiter& waiter, Instant now) {
    paid_ = true;
    while (!waiter.queue.empty()) {
        HoldQueue::Held held = waiter.queue.pop();
        net::Datagram datagram = held.datagram();
        on_client(held.listener, datagram, now);
        leaving_.push_back(std::move(held));
    }
    paid_ = false;
}

void Sessions::refuse_waiters(WaitingOpeners::List waiters, CloseReason reason, Instant now) {
    for (WaitingOpeners::Waiter& waiter : waiters) {
        while (!waiter.queue.empty()) {
            HoldQueue::Held held = waiter.queue.pop();
            refuse(held.datagram(), reason, waiter.decision.rule, now);
        }
    }
}

void Sessions::no_room(const Endpoint& client) {
    // A flood must not spend its time on composing lines that the budget then drops.
    if (!hold_log_.take(hold_lines, settled_)) return;
    base::log::write(
        base::msg::hold_full,
        "{}: a datagram was dropped: worker {} has {} waiting clients and {} bytes of what waits",
        base::to_string(client), worker_, waiting_.size(), hold_budget_.used());
}

// On-line look-ups.

void Sessions::look_up(Lookup lookup, SessionsSetup::LookupDone done) {
    if (look_up_) {
        look_up_(std::move(lookup), std::move(done));
    } else {
        unanswerable_.push_back(std::move(done));
    }
}

void Sessions::fail_lookups(Instant now) {
    if (unanswerable_.empty()) return;
    LookupAnswer answer;
    answer.detail = "nobody looks names up here";
    for (const SessionsSetup::LookupDone& done : std::exchange(unanswerable_, {}))
        done(*this, answer, now);
}

/// False: too many are under way.
bool Sessions::ask_client_names(const base::Address& client) {
    switch (client_names_.ask(client)) {
        case ClientNames::Ask::asked_already:
            return true;
        case ClientNames::Ask::too_many:
            if (hold_log_.take(hold_lines, settled_)) {
                base::log::write(base::msg::lookup_busy, "{}: its names are not asked for: {} look-ups wait",
                                 base::to_string(client), client_names_.asked());
            }
            return false;
        case ClientNames::Ask::now:
            break;
    }
    look_up({.name = {}, .address = client},
            [client](Sessions& sessions, const LookupAnswer& answer, Instant now) {
                sessions.client_names_came(client, answer, now);
            });
    return true;
}

/// Likewise; a first datagram waits for them.
bool Sessions::await_client_names(const base::Address& client) {
    if (!ask_client_names(client)) return false;
    client_names_.set_awaited(client);
    return true;
}

void Sessions::client_names_came(const base::Address& client, const LookupAnswer& answer, Instant now) {
    const ClientNames::Askers askers = client_names_.answered(client, answer, now);
    for (const ClientNames::Curious& curious : askers.curious) {
        const Record& session = record(curious.slot);
        const bool lives = session.state == State::open && session.generation == curious.generation;
        if (lives && !answer.names.empty()) extra_of(curious.slot).client_name = answer.names.front();
    }
    names_of_unjudged(client, now);
    // A look-up that takes all the time there is comes too late for who waited; its reason is told all the
    // same.
    if (answer.status == LookupAnswer::Status::failed && askers.awaited) {
        base::log::write(base::msg::lookup_failed, "{}: its names could not be found out: {}",
                         base::to_string(client), answer.detail);
    }
    go_on(waiting_.take([&](WaitingOpeners::Waiter& waiter) {
        return waiter.decision.kind == policy::Decision::Kind::awaits_client_names &&
               waiter.key.client.address() == client && judge_again(waiter, now);
    }),
          now);
}

/// What only the log wants to know leaves half of the look-ups to those who wait for them.
bool Sessions::curiosity_allowed(const base::Address& client) const {
    return client_names_.asks(client) || client_names_.asked() * 2 < hold_budget_.sessions();
}

/// For log.names: nobody waits for it.
void Sessions::name_client(Slot slot, Instant now) {
    const base::Address client = record(slot).client.address();
    if (const std::vector<std::string>* names = client_names_.find(client, now)) {
        if (!names->empty()) extra_of(slot).client_name = names->front();
    } else if (!client_names_.failed(client, now) && curiosity_allowed(client) && ask_client_names(client)) {
        client_names_.add_curious(client, {slot, record(slot).generation});
    }
}

}  // namespace session
