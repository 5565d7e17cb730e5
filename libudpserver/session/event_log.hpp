#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libudpserver/session/record.hpp"

namespace session {

/// A session was opened or closed, or a first datagram was refused.
struct Event {
    enum class Kind : std::uint8_t { opened, closed, refused };
    Kind kind = Kind::opened;
    CloseReason reason = CloseReason::none;  ///< of a closed session or a refusal
    Slot slot = none;                        ///< refused: none
    std::uint32_t generation = 0;
    std::optional<std::uint16_t> rule;  ///< nullopt: refused without a rule
    Endpoint client, local, server;
    Instant at;
    Counters counters;  ///< of a closed session
};

/// The last events of one worker (K-70, K-71): opened and closed sessions, and separately refusals, so that a
/// flood of refusals does not push the others out.
class EventLog {
public:
    static constexpr std::size_t sessions_kept = 2048, refusals_kept = 512;

    void record_open(const Record& record, Slot slot, Instant now) {
        add(Event::Kind::opened, record, slot, now);
    }
    void record_close(const Record& record, Slot slot, Instant now) {
        add(Event::Kind::closed, record, slot, now);
    }
    void refused(const Endpoint& client, const Endpoint& local, CloseReason reason,
                 std::optional<std::size_t> rule, Instant now);

    /// The events in [since, until) in their order, at most the `max` oldest.
    [[nodiscard]] std::vector<Event> between(Instant since, Instant until, std::size_t max) const;
    /// False when an event since then was overwritten.
    [[nodiscard]] bool has_all_since(Instant since) const;
    /// The `max` newest refusals, newest first; of one client's address if it is given.
    [[nodiscard]] std::vector<Event> refusals(const std::optional<base::Address>& client,
                                              std::size_t max) const;

private:
    /// The last `capacity` events. Allocates all its memory at the start.
    class Ring {
    public:
        explicit Ring(std::size_t capacity) : capacity_(capacity) { events_.reserve(capacity); }
        void add(const Event& event);
        [[nodiscard]] std::size_t size() const { return events_.size(); }
        /// 0 is the oldest.
        [[nodiscard]] const Event& at(std::size_t index) const {
            return events_[(next_ + index) % events_.size()];
        }
        /// When the last event happened that was overwritten; Instant{} if none was.
        [[nodiscard]] Instant overwritten() const { return overwritten_; }

    private:
        std::size_t capacity_;
        std::size_t next_ = 0;  ///< the oldest, once the ring is full
        Instant overwritten_{};
        std::vector<Event> events_;
    };

    void add(Event::Kind kind, const Record& record, Slot slot, Instant now);

    Ring sessions_{sessions_kept}, refusals_{refusals_kept};
};

}  // namespace session
