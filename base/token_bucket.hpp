#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"

namespace base {

/// The rate per second and the burst allowed after an idle time. `per_second` 0 means no limit.
struct Rate {
    std::uint32_t per_second = 0;
    std::uint32_t burst = 1;
};

/// A token bucket in eight bytes of plain data; zero is a full bucket. The rate is a parameter, so that
/// tables of buckets hold nothing else. Instead of tokens it keeps the moment at which the bucket will be
/// full again.
class TokenBucket {
public:
    /// Takes one token if there is one. A clock that goes back never makes tokens.
    bool take(Rate rate, Instant now) {
        if (rate.per_second == 0) return true;
        const std::int64_t at = std::chrono::nanoseconds(now.time_since_epoch()).count();
        const std::int64_t one = 1'000'000'000 / rate.per_second;
        const std::int64_t filled = std::max(full_at_, at) + one;
        if (filled - at > one * std::max(rate.burst, 1u)) return false;
        full_at_ = filled;
        return true;
    }

    /// No token is missing: a table may forget this bucket.
    [[nodiscard]] bool full(Instant now) const {
        return full_at_ <= std::chrono::nanoseconds(now.time_since_epoch()).count();
    }

    /// Under the same rate it has more tokens, or will be full sooner.
    [[nodiscard]] bool fuller_than(const TokenBucket& other) const { return full_at_ < other.full_at_; }

private:
    std::int64_t full_at_ = 0;  ///< nanoseconds of the monotonic clock
};
static_assert(sizeof(TokenBucket) == 8);

}  // namespace base
