// How a session ends. end() only marks it, for datagrams of its may wait in the batch; settle() closes it
// when they have left. So a socket never goes back while something is still to be sent from it.

#include <algorithm>

#include "base/log.hpp"
#include "libudpserver/session/session_record.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

/// How many timers a tick may serve (O-36): the rest comes right after the next turn.
constexpr std::size_t timers_a_tick = 1024;
}  // namespace

void Sessions::detach(Slot slot) {
    Record& session = record(slot);
    if (session.detached != 0) return;
    table_.erase(table_.key_of(session), slot);
    session.detached = 1;
}

void Sessions::end(Slot slot, CloseReason reason) {
    Record& session = record(slot);
    if (session.state != State::open || session.reason != CloseReason::none) return;
    detach(slot);
    session.reason = reason;
    ending_.push_back(slot);
}

void Sessions::settle(Instant now) {
    settled_ = now;
    out_.flush();
    leaving_.clear();
    // Closing may make a handler send a last datagram or end another session.
    while (!ending_.empty()) {
        const Slot slot = ending_.back();
        ending_.pop_back();
        close(slot, now);
    }
}

void Sessions::end_turn(Instant now) {
    settle(now);
}

void Sessions::close(Slot slot, Instant now) {
    Record& session = record(slot);
    session.state = State::closing;
    if (Volatile& side = volatile_of(slot); side.handler) {
        SessionContext context(*this, slot, now);
        side.handler->on_close(context, session.reason);
        side.handler.reset();
    }
    drop_held(slot);
    forget_unjudged(slot);
    wheel_.cancel(slot);
    unanswered_.remove(slot);
    one_way_.remove(slot);
    admission_.closed(session.client.address());
    totals_.kernel_drops.add(leases_.give_back(session.socket, rest_until(session, now)));
    totals_.closed.add();
    totals_.closed_by[static_cast<std::size_t>(session.reason)].add();
    report(session, slot, now);
    chronicle_.ends(session, slot, now);
    volatile_of(slot).extra.reset();
    session.state = State::free;
    free_.push_back(slot);
    count_open();
}

void Sessions::count_open() {
    const std::uint64_t open = open_sessions();
    totals_.open.set(open);
    totals_.open_most.set(std::max(totals_.open_most.get(), open));
    totals_.open_least.set(std::min(totals_.open_least.get(), open));
    totals_.unanswered.set(unanswered_.size());
}

Instant Sessions::rest_until(const Record& session, Instant now) const {
    const conf::UdpServer& settings = config_.udpserver;
    const conf::SessionLimits& limits = rule_of(session).limits;
    // Only an administrator's word that each request has one answer, and a session that kept it, says that
    // the server has nothing more to send. Equal counts alone do not: a stream that is cut has them too.
    const bool finished = session.type == conf::SessionType::normal && limits.server_datagrams > 0 &&
                          limits.client_datagrams == limits.server_datagrams &&
                          session.reason == CloseReason::server_datagrams &&
                          session.counters.to_server_datagrams == limits.server_datagrams;
    if (finished) return now + settings.quarantine_answered;
    return std::max(session.last_client, session.last_server) + settings.quarantine;
}

void Sessions::report(const Record& session, Slot slot, Instant now) {
    const conf::Rule* rule = rule_for_report(session);
    // A record for which there is no place any more has nothing here either.
    const Extra* extra = uses_own_worker(slot) ? volatile_of(slot).extra.get() : nullptr;
    std::optional<std::string> client_name;
    if (config_.log.names) client_name = extra != nullptr ? extra->client_name : std::string();
    base::log::write_record(base::msg::session_record,
                            session_fields(session, slot, rule, config_.proxy, now, client_name));
}

void Sessions::close_all(CloseReason reason, Instant now) {
    std::size_t closed = 0;
    for (Record& session : slice_) {
        if (session.state != State::open) continue;
        end(static_cast<Slot>(&session - arena_.records().data()), reason);
        // No record may be lost in a full queue of the log (K-23), and nothing is forwarded any more.
        if (++closed % records_at_once == 0) {
            settle(now);
            base::log::drain();
        }
    }
    refuse_waiters(waiting_.take([](const auto&) { return true; }), reason, now);
    settle(now);
    flush_refusals(now);
}

void Sessions::tick(Instant now) {
    fail_lookups(now);
    judge_clients(now);
    leave_some(now);
    refuse_waiters(waiting_.take_overdue(now), CloseReason::resolve_failure, now);
    wheel_.advance(now, timers_a_tick, [this, now](Slot slot) {
        const Record& session = record(slot);
        const CloseReason reason =
            expired(session, rule_of(session).limits, now, volatile_of(slot).idle_window);
        if (reason == CloseReason::none) {
            set_deadline(slot);
        } else {
            end(slot, reason);
        }
    });
    settle(now);
    if (!refusals_.empty() && now >= refusals_due_) flush_refusals(now);
}

std::optional<Instant> Sessions::next_tick() const {
    std::optional<Instant> next = wheel_.next_deadline();
    const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
    if (!refusals_.empty()) consider(refusals_due_);
    if (const std::optional<Instant> deadline = waiting_.next_deadline()) consider(*deadline);
    if (!unanswerable_.empty() || !to_leave_.empty()) consider(settled_);
    if (!nameless_.empty()) consider(ask_clients_at_);
    return next;
}

void Sessions::set_deadline(Slot slot) {
    const Record& session = record(slot);
    const Instant at = deadline(session, rule_of(session).limits, volatile_of(slot).idle_window);
    if (at < never) {
        wheel_.set(slot, at);
    } else {
        wheel_.cancel(slot);
    }
}

void Sessions::flush_refusals(Instant now) {
    refusals_.flush([](const std::vector<base::log::Field>& fields) {
        base::log::write_record(base::msg::session_record, fields);
    });
    refusals_due_ = now + std::chrono::seconds(1);
}

}  // namespace session
