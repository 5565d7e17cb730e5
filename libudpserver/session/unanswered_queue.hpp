#pragma once

#include <cstddef>
#include <vector>

#include "libudpserver/session/record.hpp"

namespace session {

/// Sessions without a reply, oldest first: the ones to evict when they have filled their share of the table.
/// Each slot is in it at most once; everything is O(1).
class UnansweredQueue {
public:
    /// For slots [first, first + entries). All memory is taken here.
    explicit UnansweredQueue(std::size_t entries, Slot first = 0) : links_(entries), first_(first) {}

    /// At the end; a slot that is in already keeps its place.
    void push(Slot slot) {
        Link& link = links_[slot - first_];
        if (link.queued) return;
        link = {tail_, none, true};
        (tail_ == none ? head_ : links_[tail_].next) = slot - first_;
        tail_ = slot - first_;
        ++size_;
    }

    /// False when it was not in.
    bool remove(Slot slot) {
        Link& link = links_[slot - first_];
        if (!link.queued) return false;
        (link.previous == none ? head_ : links_[link.previous].next) = link.next;
        (link.next == none ? tail_ : links_[link.next].previous) = link.previous;
        link = {};
        --size_;
        return true;
    }

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

}  // namespace session
