#pragma once

#include <chrono>
#include <cstdint>

namespace base {

/// Every time span in proxyd is a whole number of milliseconds.
using Duration = std::chrono::milliseconds;

/// CLOCK_MONOTONIC in milliseconds: the same in all processes of one boot, untouched by changes of the wall
/// clock (O-26). Logic takes an Instant as a parameter; only the edges call now().
struct MonotonicClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<MonotonicClock>;
    static constexpr bool is_steady = true;
    static time_point now();
};
using Instant = MonotonicClock::time_point;
inline Instant now() {
    return MonotonicClock::now();
}

/// The wall clock as policies see it: day of the week (0 is Monday) and minute of the day, in local time.
struct LocalTime {
    int weekday = 0;
    int minute = 0;
    static LocalTime now();
};

}  // namespace base
