#include "libudpserver/session/session_store.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace session {

namespace {

/// How many records select() looks at before the worker reads datagrams again.
constexpr std::size_t max_selected_records = 1024;

/// A source keeps this many evictable sessions, however small its share.
constexpr std::size_t min_source_share = 16;
/// A session that is younger may still be answered: it is not evicted for another one of its source.
constexpr Duration min_eviction_age{1000};

std::size_t percent_of(std::size_t all, unsigned percent) {
    return std::max<std::size_t>(1, all * percent / 100);
}

/// With 100 percent no source is ever heavy: a class may also use the places that the other one leaves free.
std::size_t source_share(std::size_t of_class, unsigned percent) {
    return percent >= 100 ? std::numeric_limits<std::size_t>::max()
                          : std::max(min_source_share, percent_of(of_class, percent));
}

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
      max_unanswered_(percent_of(max_sessions_, settings.unanswered_share)),
      max_unconfirmed_(percent_of(max_sessions_, settings.unconfirmed_share)),
      sides_(first_slot(records_.size(), worker + 1, settings.workers) - first_),
      table_(records_, std::move(wildcard), sides_.size()),
      wheel_(sides_.size(), start, first_),
      unanswered_(sides_.size(), first_),
      unconfirmed_(sides_.size(), first_),
      shares_(sides_.size(), first_,
              {source_share(max_unanswered_, settings.source_share),
               source_share(max_unconfirmed_, settings.source_share)}),
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
        make_evictable(session, EvictableClass::unanswered);
    } else if (session->unconfirmed()) {
        make_evictable(session, EvictableClass::unconfirmed);
    }
}

void SessionStore::make_evictable(Session session, EvictableClass of) {
    queue_of(of).push(session.slot());
    shares_.push(session.slot(), session->client.address(), of);
}

void SessionStore::keep(Slot slot) {
    if (unanswered_.remove(slot) || unconfirmed_.remove(slot)) shares_.remove(slot);
}

Slot SessionStore::oldest(EvictableClass of) {
    const Slot heaviest = shares_.oldest_of_heaviest(of);
    return heaviest != none ? heaviest : queue_of(of).oldest();
}

/// Of both, the class that has used more of its share.
EvictableClass SessionStore::fuller() const {
    return unconfirmed_.size() * max_unanswered_ > unanswered_.size() * max_unconfirmed_
               ? EvictableClass::unconfirmed
               : EvictableClass::unanswered;
}

void SessionStore::set_answered(Session session) {
    keep(session.slot());
    make_evictable(session, EvictableClass::unconfirmed);
}

void SessionStore::set_confirmed(Session session) {
    session->confirmed = 1;
    keep(session.slot());
}

SessionStore::Room SessionStore::room_for(conf::SessionType type, const base::Address& source, Instant now) {
    const bool adds_unanswered = type != conf::SessionType::one_way;
    if (adds_unanswered) {
        const Slot own = shares_.oldest_if_heavy(source, EvictableClass::unanswered);
        if (own != none && now - records_[own].created < min_eviction_age)
            return {{}, CloseReason::source_limited};
        if (own != none) return {at(own)};
    }
    const bool is_over = adds_unanswered && unanswered_.size() >= max_unanswered_;
    if (!is_full() && !is_over) return {};
    if (is_full() && one_way_.oldest() != none) return {at(one_way_.oldest())};
    const Slot slot = oldest(is_over ? EvictableClass::unanswered : fuller());
    return slot == none ? Room{{}, CloseReason::sessions_full} : Room{at(slot)};
}

void SessionStore::detach(Session session) {
    if (session->detached != 0) return;
    table_.erase(table_.key_of(session.record()), session.slot());
    session->detached = 1;
}

void SessionStore::close(Session session, CloseReason reason) {
    if (!session.is_open()) return;
    detach(session);
    keep(session.slot());  // it cannot be evicted again before it is removed
    one_way_.remove(session.slot());
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
    keep(session.slot());
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
