#include "libudpserver/session/session_store.hpp"

#include <algorithm>
#include <utility>

namespace session {

namespace {

/// How many records select() looks at before the worker reads datagrams again.
constexpr std::size_t max_selected_records = 1024;

std::size_t share_of(const conf::UdpServer& settings, unsigned worker) {
    return first_slot(settings.max_sessions, worker + 1, settings.workers) -
           first_slot(settings.max_sessions, worker, settings.workers);
}

}  // namespace

void AgeQueue::push(Slot slot) {
    Link& link = links_[slot - first_];
    if (link.queued) return;
    link = {tail_, none, true};
    (tail_ == none ? head_ : links_[tail_].next) = slot - first_;
    tail_ = slot - first_;
    ++size_;
}

bool AgeQueue::remove(Slot slot) {
    Link& link = links_[slot - first_];
    if (!link.queued) return false;
    (link.previous == none ? head_ : links_[link.previous].next) = link.next;
    (link.next == none ? tail_ : links_[link.next].previous) = link.previous;
    link = {};
    --size_;
    return true;
}

SessionStore::SessionStore(const conf::UdpServer& settings, const Arena& arena, unsigned worker,
                           std::vector<bool> wildcard, Instant start)
    : records_(arena.records()),
      first_(first_slot(records_.size(), worker, settings.workers)),
      max_sessions_(share_of(settings, worker)),
      max_unanswered_(std::max<std::size_t>(1, max_sessions_ * settings.unanswered_share / 100)),
      sides_(first_slot(records_.size(), worker + 1, settings.workers) - first_),
      table_(records_, std::move(wildcard), sides_.size()),
      wheel_(sides_.size(), start, first_),
      unanswered_(sides_.size(), first_),
      one_way_(sides_.size(), first_) {
    free_.reserve(sides_.size());
    closing_.reserve(sides_.size());
}

Session SessionStore::find(SessionId id) {
    if (!has(id.slot)) return {};
    const Session session = at(id.slot);
    return session.is_open() && session->generation == id.generation ? session : Session();
}

void SessionStore::add(Session session) {
    free_.pop_back();
    session->state = State::open;
    index(session);
}

bool SessionStore::is_duplicate(Session session) const {
    return session->detached == 0 && table_.find(table_.key_of(session.record())) != none;
}

void SessionStore::index(Session session) {
    if (session->detached == 0) table_.insert(table_.key_of(session.record()), session.slot());
    if (session->type == conf::SessionType::one_way) {
        one_way_.push(session.slot());
    } else if (!session->answered()) {
        unanswered_.push(session.slot());
    }
}

Session SessionStore::to_evict(conf::SessionType type) {
    const bool adds_unanswered = type != conf::SessionType::one_way;
    if (!is_full() && !(adds_unanswered && unanswered_.size() >= max_unanswered_)) return {};
    const Slot oldest = is_full() && one_way_.oldest() != none ? one_way_.oldest() : unanswered_.oldest();
    return oldest == none ? Session() : at(oldest);
}

void SessionStore::detach(Session session) {
    if (session->detached != 0) return;
    table_.erase(table_.key_of(session.record()), session.slot());
    session->detached = 1;
}

void SessionStore::close(Session session, CloseReason reason) {
    if (!session.is_open()) return;
    detach(session);
    session->reason = reason;
    closing_.push_back(session.slot());
}

Session SessionStore::next_closing() {
    if (closing_.empty()) return {};
    const Slot slot = closing_.back();
    closing_.pop_back();
    return at(slot);
}

void SessionStore::remove(Session session) {
    wheel_.cancel(session.slot());
    unanswered_.remove(session.slot());
    one_way_.remove(session.slot());
    session.side().extra.reset();
    session->state = State::free;
    free_.push_back(session.slot());
}

void SessionStore::set_deadline(Session session, const conf::SessionLimits& limits) {
    const Instant at = deadline(session.record(), limits, session.side().idle_window);
    if (at < never) {
        wheel_.set(session.slot(), at);
    } else {
        wheel_.cancel(session.slot());
    }
}

Slot SessionStore::select(const SessionFilter& filter, Slot from, std::size_t max, Instant now,
                          std::vector<Found>& found) const {
    std::size_t looked_at = 0;
    for (Slot slot = std::max(from, first_); has(slot); ++slot) {
        if (found.size() == max || looked_at++ == max_selected_records) return slot;
        const Record& record = records_[slot];
        if (record.state == State::open && record.reason == CloseReason::none && filter.matches(record, now))
            found.push_back({slot, record});
    }
    return none;
}

}  // namespace session
