#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libudpserver/session/record.hpp"

namespace session {

/// Something that happened to a session or instead of one.
struct Event {
    enum class Kind : std::uint8_t { begin, end, refused };
    Kind kind = Kind::begin;
    CloseReason reason = CloseReason::none;  ///< of an end or a refusal
    Slot slot = none;                        ///< refused: none
    std::uint32_t generation = 0;
    std::optional<std::uint16_t> rule;  ///< refused: perhaps no rule decided
    Endpoint client, local, server;
    Instant at;
    Counters counters;  ///< of an end
};

/// What happened lately in one worker, for whoever asks (K-70, K-71): the last beginnings and ends of
/// sessions, and by themselves the last refusals, so that a flood of those does not hide the others. The
/// oldest are forgotten.
class EventLog {
public:
    static constexpr std::size_t sessions_kept = 2048, refusals_kept = 512;

    void record_open(const Record& record, Slot slot, Instant now) {
        add(Event::Kind::begin, record, slot, now);
    }
    void record_close(const Record& record, Slot slot, Instant now) {
        add(Event::Kind::end, record, slot, now);
    }
    void refused(const Endpoint& client, const Endpoint& local, CloseReason reason,
                 std::optional<std::size_t> rule, Instant now);

    /// The events in [since, until) in their order, at most so many of the oldest.
    [[nodiscard]] std::vector<Event> between(Instant since, Instant until, std::size_t most) const;
    /// False when something that happened then or later has been forgotten.
    [[nodiscard]] bool has_all_since(Instant since) const;
    /// The newest refusals first, of one client's address if it is given.
    [[nodiscard]] std::vector<Event> refusals(const std::optional<base::Address>& client,
                                              std::size_t most) const;

private:
    /// The last so many events; its memory is taken at the start.
    class Ring {
    public:
        explicit Ring(std::size_t capacity) : capacity_(capacity) { events_.reserve(capacity); }
        void add(const Event& event);
        [[nodiscard]] std::size_t size() const { return events_.size(); }
        /// 0 is the oldest.
        [[nodiscard]] const Event& at(std::size_t index) const {
            return events_[(next_ + index) % events_.size()];
        }
        /// When the last one happened that is forgotten; the beginning of time if none is.
        [[nodiscard]] Instant forgotten() const { return forgotten_; }

    private:
        std::size_t capacity_;
        std::size_t next_ = 0;  ///< where the oldest lies, once the ring is full
        Instant forgotten_{};
        std::vector<Event> events_;
    };

    void add(Event::Kind kind, const Record& record, Slot slot, Instant now);

    Ring sessions_{sessions_kept}, refusals_{refusals_kept};
};

}  // namespace session
