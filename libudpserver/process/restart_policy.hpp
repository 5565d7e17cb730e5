#pragma once

#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace process {

using base::Duration;
using base::Instant;

/// How soon a role restarts: immediately after a good run (ready for at least `good_run`), otherwise after
/// `first_delay`, doubled each time up to `max_delay`, until the next good run (O-12).
struct RestartSpeed {
    Duration good_run;
    Duration first_delay;
    Duration max_delay;
};

/// REG carries the traffic: it restarts immediately if it had become ready. One that never does must not
/// spin.
inline constexpr RestartSpeed forwarding_speed{Duration(0), Duration(100), Duration(5'000)};
inline constexpr RestartSpeed resolving_speed{Duration(10'000), Duration(1'000), Duration(30'000)};

/// The restart delays of one role.
class RestartPolicy {
public:
    explicit RestartPolicy(RestartSpeed speed) : speed_(speed) {}

    /// The delay after an exit at `now`; `ready` is when the child became ready, if it did. A failed fork
    /// counts as a child that never became ready.
    Duration died(Instant now, std::optional<Instant> ready);

private:
    RestartSpeed speed_;
    Duration next_delay_{0};  ///< 0: the next bad run is the first one
};

/// This many crashes of children within this time are not yet a crash loop.
struct MaxRestarts {
    unsigned count = 5;
    Duration within{60'000};
};

/// Detects a crash loop: too many unexpected exits in too short a time (K-5). It lasts until a process has
/// run for that time; meanwhile each restart waits longer than the one before.
class CrashLoop {
public:
    static constexpr Duration first_delay{1'000}, max_delay{30'000};

    explicit CrashLoop(MaxRestarts limit) : limit_(limit) {}
    void set_limit(MaxRestarts limit) { limit_ = limit; }

    /// Counts an exit; true if a loop begins with it: there were more than `count` in the last `within`, both
    /// ends included.
    bool add(Instant now);
    [[nodiscard]] bool is_on() const { return on_; }
    /// How long the next restart must wait: nothing outside a loop.
    Duration delay();
    /// A process has run for run_to_end().
    void end();
    [[nodiscard]] Duration run_to_end() const { return limit_.within; }

private:
    MaxRestarts limit_;
    std::deque<Instant> crashes_;
    bool on_ = false;
    Duration next_delay_ = first_delay;
};

}  // namespace process
