#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// One deadline for each slot, O(1) to set, move and cancel. Two levels of 256 lists: the first has one list
/// a tick of 100 ms for the current block of 25.6 s, the second one list a block; deadlines beyond its 109
/// minutes wait in its last list and are inserted again from there.
///
/// A deadline never fires early, and at the latest one tick after it is due (or was set, if it was due
/// already) when advance() is called in time and its budget suffices. Within a tick entries fire in the order
/// they were set; those beyond the budget fire first at the next call (O-36, O-37).
class TimerWheel {
public:
    static constexpr base::Duration tick{100};

    /// For slots [first, first + entries). Allocates all its memory here.
    TimerWheel(std::size_t entries, base::Instant start, Slot first = 0);

    /// Sets or moves the slot's deadline. Any deadline is fine, also one in the past.
    void set(Slot slot, base::Instant deadline);
    /// Does nothing when none is set.
    void cancel(Slot slot);
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Calls callback(Slot) for entries that are due, each of which is removed first, and returns the number
    /// of calls. `budget` bounds the work: a call or a move to the first level counts one. The callback may
    /// set and cancel any slot (O-38); what it sets fires at the next tick at the earliest.
    template <typename Callback>
    std::size_t advance(base::Instant now, std::size_t budget, Callback&& callback) {
        std::size_t called = 0;
        begin(now);
        while (budget > 0) {
            const Step step = next_step();
            if (step.kind == Step::done) break;
            if (step.kind == Step::expired) {
                ++called;
                callback(step.slot);
            }
            --budget;
        }
        running_ = false;
        return called;
    }

    /// When advance() has something to do next: at or before now if the last budget did not suffice; nullopt
    /// when no deadline is set.
    [[nodiscard]] std::optional<base::Instant> next_deadline() const;

private:
    static constexpr std::size_t lists_per_level = 256;
    static constexpr std::uint16_t unlinked = 0xffff;
    using Tick = std::int64_t;

    struct Entry {
        Tick due = 0;
        Slot next = none, previous = none;  ///< indices into entries_
        std::uint16_t list = unlinked;
    };
    struct List {
        Slot head = none, tail = none;
    };
    struct Step {
        enum Kind { done, moved, expired } kind = done;
        Slot slot = none;
    };

    void begin(base::Instant now);
    Step next_step();
    void skip_empty_ticks();
    [[nodiscard]] Tick tick_of(base::Instant deadline) const;
    [[nodiscard]] std::uint16_t pending_list() const;
    [[nodiscard]] std::uint16_t list_for(Tick due) const;
    void link(Slot index, std::uint16_t list);
    void unlink(Slot index);

    base::Instant start_;
    Slot first_;
    std::vector<Entry> entries_;
    std::array<List, 2 * lists_per_level> lists_{};
    std::size_t size_ = 0;
    std::size_t near_ = 0;  ///< entries of the first level
    Tick current_ = 0;      ///< all ticks before it are done
    Tick now_ = 0;          ///< of the running advance()
    bool running_ = false;
};

}  // namespace session
