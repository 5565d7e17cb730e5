#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/inspection.hpp"
#include "libudpserver/session/session.hpp"
#include "libudpserver/session/session_table.hpp"
#include "libudpserver/session/source_shares.hpp"
#include "libudpserver/session/timer_wheel.hpp"

namespace session {

/// Sessions in the order of their age, the oldest first. Each slot is in it at most once; everything is O(1).
class AgeQueue {
public:
    /// For slots [first, first + entries). Allocates all its memory here.
    explicit AgeQueue(std::size_t entries, Slot first = 0) : links_(entries), first_(first) {}

    /// Appends the slot; one that is in already keeps its place.
    void push(Slot slot);
    /// False when it was not in.
    bool remove(Slot slot);

    /// The slot that was pushed first, or `none`.
    [[nodiscard]] Slot oldest() const { return head_ == none ? none : head_ + first_; }
    [[nodiscard]] bool contains(Slot slot) const { return links_[slot - first_].queued; }
    [[nodiscard]] std::size_t size() const { return size_; }

private:
    struct Link {
        Slot previous = none, next = none;  ///< indices into links_
        bool queued = false;
    };

    std::vector<Link> links_;
    Slot first_;
    Slot head_ = none, tail_ = none;
    std::size_t size_ = 0;
};

/// The sessions of one worker: its slice of the arena and every index over it, by key, by deadline and by
/// age.
///
/// Life of a session: free_place(), add(), then close(), which only marks it and takes it out of the table,
/// and remove(), when everything of the session has been sent. Between the last two it neither sends nor
/// receives.
class SessionStore {
public:
    /// `wildcard[listener]` as for the SessionTable.
    SessionStore(const conf::UdpServer& settings, const Arena& arena, unsigned worker,
                 std::vector<bool> wildcard, Instant start);

    [[nodiscard]] Slot first() const { return first_; }
    [[nodiscard]] Slot end() const { return first_ + static_cast<Slot>(sides_.size()); }
    [[nodiscard]] bool has(Slot slot) const { return slot >= first_ && slot - first_ < sides_.size(); }
    /// The slot must be one of this worker's; the session there may be in any state.
    [[nodiscard]] Session at(Slot slot) { return {slot, records_[slot], sides_[slot - first_]}; }
    /// No session if none has the key.
    [[nodiscard]] Session find(const SessionKey& key) {
        const Slot slot = table_.find(key);
        return slot == none ? Session() : at(slot);
    }
    /// No session if it has been closed.
    [[nodiscard]] Session find(SessionId id);

    [[nodiscard]] std::size_t size() const { return sides_.size(); }
    [[nodiscard]] std::size_t open() const { return sides_.size() - free_.size(); }
    [[nodiscard]] std::size_t max_sessions() const { return max_sessions_; }
    [[nodiscard]] std::size_t unanswered() const { return unanswered_.size(); }
    [[nodiscard]] std::size_t unconfirmed() const { return unconfirmed_.size(); }
    /// This worker's share of max-sessions is open, or it has no place left.
    [[nodiscard]] bool is_full() const { return free_.empty() || open() >= max_sessions_; }

    /// The place of the next session; there must be one.
    [[nodiscard]] Session free_place() { return at(free_.back()); }
    /// The session at free_place() is open from now on.
    void add(Session session);
    /// Adoption: whether another session has the key already.
    [[nodiscard]] bool is_duplicate(Session session) const;
    /// Adoption: adds a session that is open in the arena.
    void adopt(Session session) { index(session); }
    /// Adoption: the place is free. Called for the last place first.
    void add_free_place(Slot slot) { free_.push_back(slot); }

    /// The session that gives way to a new one, or why there is no room for it; neither if there is room.
    struct Room {
        Session evicted;
        CloseReason refusal = CloseReason::none;
    };
    /// For a new session of this type and source. A one-way session goes first: its client just gets another
    /// one, and forged sources could otherwise fill the table for the time of `idle`. Then the unanswered and
    /// the unconfirmed ones, of the heaviest source if one has more than its share, otherwise the oldest; a
    /// confirmed one never (doc/design.md, Sessions). A source with its share of unanswered ones evicts its
    /// own, but none that is younger than a second: so a loop between two proxies stops.
    [[nodiscard]] Room room_for(conf::SessionType type, const base::Address& source, Instant now);

    /// The first reply came.
    void set_answered(Session session);
    /// The client sent something after the first reply.
    void set_confirmed(Session session);
    /// Takes the key out of the table: the next datagram of the client opens another session.
    void detach(Session session);
    /// Marks the session to be removed; one that is not open any more keeps its reason.
    void close(Session session, CloseReason reason);
    [[nodiscard]] bool has_closing() const { return !closing_.empty(); }
    /// Takes out a session that close() marked; no session if there is none.
    Session next_closing();
    /// Frees the place.
    void remove(Session session);

    /// By the limits of the session's rule.
    void set_deadline(Session session, const conf::SessionLimits& limits);
    [[nodiscard]] std::optional<Instant> next_deadline() const { return wheel_.next_deadline(); }
    /// Calls callback(Session) for sessions whose deadline has come, at most `budget` (O-37).
    template <typename Callback>
    void expire(Instant now, std::size_t budget, Callback&& callback) {
        wheel_.advance(now, budget, [&](Slot slot) { callback(at(slot)); });
    }

    /// Adds sessions that match the filter to `found` until it has `max` of them, starting at slot `from`,
    /// and looks at a bounded number. Returns where to continue, `none` after the last one.
    Slot select(const SessionFilter& filter, Slot from, std::size_t max, Instant now,
                std::vector<Found>& found) const;

private:
    void index(Session session);
    [[nodiscard]] AgeQueue& queue_of(EvictableClass of) {
        return of == EvictableClass::unanswered ? unanswered_ : unconfirmed_;
    }
    void make_evictable(Session session, EvictableClass of);
    void keep(Slot slot);
    /// `none` if the class is empty.
    [[nodiscard]] Slot oldest(EvictableClass of);
    [[nodiscard]] EvictableClass fuller() const;

    std::span<Record> records_;  ///< of all workers
    Slot first_;
    std::size_t max_sessions_;  ///< this worker's share; the slice may be larger
    std::size_t max_unanswered_, max_unconfirmed_;
    std::vector<SessionSide> sides_;  ///< as many as the slice has records
    SessionTable table_;
    TimerWheel wheel_;
    AgeQueue unanswered_, unconfirmed_;
    SourceShares shares_;  ///< of both
    AgeQueue one_way_;     ///< sessions that expect no answer
    std::vector<Slot> free_;
    std::vector<Slot> closing_;
};

}  // namespace session
