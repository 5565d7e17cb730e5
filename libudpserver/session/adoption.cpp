// What a new REG does with what the last one left (DESIGN §4). The records are believed only as far as they
// fit the configuration, the sockets and each other; table, timers and counts are built anew from them.

#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/session_type.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

/// The clock is the machine's and only goes forward; a time from the future would keep a session for ever.
bool times_fit(const Record& record, Instant now) {
    return record.created >= Instant{} && record.created <= record.last_client &&
           record.created <= record.last_server && record.last_client <= now && record.last_server <= now;
}

const char* why_aborted(const Record& record, bool fresh) {
    if (fresh) return "the last REG may have died of the sessions";
    // Many sessions that expire together are marked first and closed one by one.
    const bool ended = record.reason != CloseReason::none;
    if (record.state != State::open || ended) return "the last REG died while it began or ended";
    return "it does not fit the configuration, its socket or another session";
}

}  // namespace

Adoption Sessions::adopt(bool fresh, Instant now) {
    Adoption result;
    for (std::size_t i = slice_.size(); i-- > 0;) {
        const Slot slot = first_ + static_cast<Slot>(i);
        if (slice_[i].state == State::free) {
            free_.push_back(slot);
            continue;
        }
        const Fate fate = fresh ? Fate::aborted : adopt_slot(slot, now);
        if (fate == Fate::adopted) {
            ++result.adopted;
            continue;
        }
        if (fate == Fate::ended) {
            close_record(slot, CloseReason::policy, now);
        } else {
            abort_record(slot, now, why_aborted(slice_[i], fresh));
        }
        // Nothing is forwarded yet: better wait for the log than lose a record in its queue.
        if (++(fate == Fate::ended ? result.ended : result.aborted) % records_at_once == 0)
            base::log::drain();
    }
    leases_.reclaim_rest(now + config_.udpserver.quarantine);
    totals_.adopted.add(result.adopted);
    totals_.aborted.add(result.aborted);
    totals_.starts.add();
    adopted_ = true;
    for (const Slot slot : std::exchange(moved_policy_, {}))
        settle_server(slot, now);
    review_adopted(now);
    settle(now);
    count_open();
    for (std::size_t group = 0; group < groups_.size(); ++group) {
        if (leases_.available(group, now) == 0) ask_for_sockets(group, now);
    }
    return result;
}

/// What it cannot be under any configuration is found out before the policy is asked.
Sessions::Fate Sessions::adopt_slot(Slot slot, Instant now) {
    const Record& session = record(slot);
    if (session.state != State::open || session.reason != CloseReason::none || !times_fit(session, now))
        return Fate::aborted;
    const bool other_policy = session.policy_epoch != epoch_;
    if (other_policy) {
        if (const Fate fate = rejudge(slot, now); fate != Fate::adopted) return fate;
    }
    if (!adopt_record(slot, now)) return Fate::aborted;
    if (other_policy) moved_policy_.push_back(slot);
    return Fate::adopted;
}

bool Sessions::adopt_record(Slot slot, Instant now) {
    Record& session = record(slot);
    if (!plausible(session)) return false;
    if (session.detached == 0 && table_.find(table_.key_of(session)) != none) return false;
    // The rule may want another group by now; a session keeps the socket that its server knows.
    const std::size_t group = leases_.group_of(session.socket);
    if (group >= groups_.size() || groups_[group].family != session.server.family) return false;
    if (!leases_.claim(session.socket, slot, group, session.server, connects(session.type))) return false;
    volatile_of(slot) = {.handler = nullptr, .idle_window = {now, traffic(session)}, .extra = nullptr};
    SessionContext context(*this, slot, now);
    volatile_of(slot).handler = proxy_.adopt(context);
    if (session.detached == 0) table_.insert(table_.key_of(session), slot);
    if (session.type == conf::SessionType::one_way) {
        one_way_.push(slot);
    } else if (!session.answered()) {
        unanswered_.push(slot);
    }
    admission_.opened(session.client.address());
    set_deadline(slot);
    if (session.unjudged != 0) {
        ++unjudged_;
        nameless_.push_back({slot, session.generation});
    }
    return true;
}

bool Sessions::plausible(const Record& session) const {
    if (session.worker != worker_ || session.listener >= listeners_.size() || session.rule >= policy_.size())
        return false;
    const conf::Rule& rule = policy_.rule(session.rule);
    return rule.action == conf::Action::accept && rule.type == session.type &&
           session.client.family == listeners_.local(session.listener).family &&
           session.local.family == session.client.family && session.server.family != base::Family::none &&
           session.client.port != 0;
}

void Sessions::abort_record(Slot slot, Instant now, const char* why) {
    const Record& session = record(slot);
    const bool named = session.reason != CloseReason::none && session.reason < CloseReason::count_;
    base::log::write(base::msg::adoption_refused, "session {}.{} could not be taken over: {}", slot,
                     session.generation, why);
    close_record(slot, named ? session.reason : CloseReason::adoption, now);
}

void Sessions::close_record(Slot slot, CloseReason reason, Instant now) {
    // Freed before it is reported: should the report be what kills REG, the next one does not meet it again.
    Record copy = record(slot);
    record(slot).state = State::free;
    record(slot).socket = none;
    free_.push_back(slot);
    copy.reason = reason;
    if (copy.created < Instant{} || copy.created > now) copy.created = now;
    totals_.closed.add();
    totals_.closed_by[static_cast<std::size_t>(copy.reason)].add();
    if (copy.type <= conf::SessionType::broadcast) report(copy, slot, now);
}

void Sessions::end_leftover(const Record& record, Slot slot, Instant now) {
    Record copy = record;
    copy.reason = CloseReason::policy;
    if (copy.created < Instant{} || copy.created > now) copy.created = now;
    totals_.closed.add();
    totals_.closed_by[static_cast<std::size_t>(copy.reason)].add();
    if (copy.type <= conf::SessionType::broadcast) report(copy, slot, now);
}

}  // namespace session
