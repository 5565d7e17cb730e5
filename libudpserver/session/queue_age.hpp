#pragma once

#include <chrono>
#include <optional>

#include "base/clock.hpp"

namespace session {

/// Whether the datagrams in a socket's buffer have waited for too long (max-queue-age). What is read now was
/// received after the buffer was last seen empty, so the kernel need not be asked for their age unless that
/// is long ago: after a stop of this process, under overload, or by a predecessor.
class QueueAge {
public:
    /// `max` 0: never too long.
    explicit QueueAge(base::Duration max) : max_(max) {}

    /// A read returned all that was there.
    void seen_empty(base::Instant now) { empty_at_ = now; }

    /// The age of a datagram must be asked for.
    [[nodiscard]] bool may_be_over(base::Instant now) const {
        return max_ > base::Duration{0} && (!empty_at_ || now - *empty_at_ > max_);
    }

    /// The age is over the limit. It was measured with the wall clock, which may have been set meanwhile: an
    /// age that is negative, or more than the datagram can have, is none.
    [[nodiscard]] bool is_over(base::Duration age, base::Instant now) const {
        const base::Duration longest = empty_at_ ? now - *empty_at_ + tolerance : max_wait;
        return may_be_over(now) && age > max_ && age <= longest;
    }

private:
    static constexpr base::Duration tolerance = std::chrono::seconds(1);
    /// Nobody can have read a buffer for longer than that.
    static constexpr base::Duration max_wait = std::chrono::minutes(10);

    base::Duration max_;
    std::optional<base::Instant> empty_at_;  ///< nothing: not since this process started
};

}  // namespace session
