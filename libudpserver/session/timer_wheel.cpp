#include "libudpserver/session/timer_wheel.hpp"

#include <algorithm>

namespace session {

namespace {

constexpr std::int64_t block_ticks = 256;
constexpr std::int64_t block_of(std::int64_t tick) {
    return tick / block_ticks;
}
constexpr std::int64_t end_of_block(std::int64_t tick) {
    return (block_of(tick) + 1) * block_ticks;
}

}  // namespace

// The first level holds the rest of the current block only, the second one the 255 blocks after it. So when
// the current tick enters a block, the block's list of the second level moves down before any other entry of
// this block is in the first, and entries keep their order. The list of the current block is empty otherwise,
// which also makes it safe to park far entries 255 blocks ahead while it is being emptied.
TimerWheel::TimerWheel(std::size_t entries, base::Instant start, Slot first)
    : start_(start), first_(first), entries_(entries) {}

void TimerWheel::set(Slot slot, base::Instant deadline) {
    const Slot index = slot - first_;
    cancel(slot);
    // Inside a callback a deadline that is due already waits for the next tick: it cannot keep advance()
    // busy.
    entries_[index].due = std::max(tick_of(deadline), running_ ? now_ + 1 : current_);
    // While the current block waits to move down, what is new queues up behind it.
    const std::uint16_t list = list_for(entries_[index].due);
    link(index, list < lists_per_level && lists_[pending_list()].head != none ? pending_list() : list);
}

void TimerWheel::cancel(Slot slot) {
    const Slot index = slot - first_;
    if (entries_[index].list != unlinked) unlink(index);
}

std::optional<base::Instant> TimerWheel::next_deadline() const {
    if (size_ == 0) return std::nullopt;
    if (lists_[pending_list()].head != none) return start_ + current_ * tick;
    if (near_ > 0) {
        Tick at = current_;
        while (lists_[static_cast<std::size_t>(at % block_ticks)].head == none)
            ++at;
        return start_ + at * tick;
    }
    Tick block = block_of(current_) + 1;
    while (lists_[static_cast<std::size_t>(lists_per_level + block % block_ticks)].head == none)
        ++block;
    return start_ + block * block_ticks * tick;
}

void TimerWheel::begin(base::Instant now) {
    now_ = now < start_ ? -1 : (now - start_) / tick;
    running_ = true;
}

TimerWheel::Step TimerWheel::next_step() {
    while (current_ <= now_) {
        if (const Slot index = lists_[pending_list()].head; index != none) {
            unlink(index);
            link(index, list_for(entries_[index].due));
            return {Step::moved, index + first_};
        }
        if (const Slot index = lists_[static_cast<std::size_t>(current_ % block_ticks)].head; index != none) {
            unlink(index);
            return {Step::expired, index + first_};
        }
        skip_empty_ticks();
    }
    return {};
}

/// To the next tick, or at once over what holds nothing: after a long sleep there may be millions of ticks.
void TimerWheel::skip_empty_ticks() {
    if (size_ == 0) {
        current_ = now_ + 1;
    } else if (near_ == 0) {
        current_ = std::min(end_of_block(current_), now_ + 1);
    } else {
        ++current_;
    }
}

TimerWheel::Tick TimerWheel::tick_of(base::Instant deadline) const {
    if (deadline <= start_) return 0;
    const auto since = deadline - start_;
    return since / tick + (since % tick != base::Duration::zero() ? 1 : 0);  // rounded up: never early
}

/// The second level's list of the current block: what has not moved down yet.
std::uint16_t TimerWheel::pending_list() const {
    return static_cast<std::uint16_t>(lists_per_level +
                                      static_cast<std::size_t>(block_of(current_) % block_ticks));
}

std::uint16_t TimerWheel::list_for(Tick due) const {
    if (block_of(due) == block_of(current_)) return static_cast<std::uint16_t>(due % block_ticks);
    const Tick block = std::min(block_of(due), block_of(current_) + block_ticks - 1);
    return static_cast<std::uint16_t>(lists_per_level + static_cast<std::size_t>(block % block_ticks));
}

void TimerWheel::link(Slot index, std::uint16_t list) {
    List& to = lists_[list];
    entries_[index].list = list;
    entries_[index].next = none;
    entries_[index].previous = to.tail;
    (to.tail == none ? to.head : entries_[to.tail].next) = index;
    to.tail = index;
    ++size_;
    if (list < lists_per_level) ++near_;
}

void TimerWheel::unlink(Slot index) {
    Entry& entry = entries_[index];
    List& from = lists_[entry.list];
    (entry.previous == none ? from.head : entries_[entry.previous].next) = entry.next;
    (entry.next == none ? from.tail : entries_[entry.next].previous) = entry.previous;
    --size_;
    if (entry.list < lists_per_level) --near_;
    entry.list = unlinked;
    entry.next = entry.previous = none;
}

}  // namespace session
