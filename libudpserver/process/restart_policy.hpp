#pragma once

#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace process {

using base::Duration;
using base::Instant;

/// How soon a role is started again. After a good run (ready for at least `good_run`) at once; otherwise
/// after `first_delay`, doubled each time up to `longest_delay`, until there is a good run again (O-12).
struct RestartSpeed {
    Duration good_run;
    Duration first_delay;
    Duration longest_delay;
};

/// REG carries the traffic: at once when it had become ready at all. One that dies before that must not spin.
inline constexpr RestartSpeed forwarding_speed{Duration(0), Duration(100), Duration(5'000)};
inline constexpr RestartSpeed resolving_speed{Duration(10'000), Duration(1'000), Duration(30'000)};

/// The pauses of one role, in the order of its deaths.
class RestartPolicy {
public:
    explicit RestartPolicy(RestartSpeed speed) : speed_(speed) {}

    /// The pause after a death at `now`; `ready` is when the child became ready, nothing if it never did. A
    /// fork that failed counts as a child that never became ready.
    Duration died(Instant now, std::optional<Instant> ready);

private:
    RestartSpeed speed_;
    Duration next_delay_{0};  ///< 0: the next bad run is the first one
};

/// How many crashes of children, within how long, are not yet a crash loop.
struct MaxRestarts {
    unsigned count = 5;
    Duration within{60'000};
};

/// The deaths of all children together; too many of them in too short a time are a crash loop (K-5).
class DeathTally {
public:
    explicit DeathTally(MaxRestarts limit) : limit_(limit) {}
    void set_limit(MaxRestarts limit) { limit_ = limit; }

    /// True when this is more than `count` deaths in the last `within`, both ends included.
    bool add(Instant now);

private:
    MaxRestarts limit_;
    std::deque<Instant> deaths_;
};

}  // namespace process
