#include "base/clock.hpp"

#include <ctime>

namespace base {

MonotonicClock::time_point MonotonicClock::now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time_point(std::chrono::seconds(time.tv_sec) + Duration(time.tv_nsec / 1'000'000));
}

LocalTime LocalTime::now() {
    const std::time_t seconds = std::time(nullptr);
    std::tm broken{};
    ::tzset();  // localtime_r alone would keep the zone of the start
    ::localtime_r(&seconds, &broken);
    // C counts days from Sunday, policies from Monday.
    return {(broken.tm_wday + 6) % 7, broken.tm_hour * 60 + broken.tm_min};
}

}  // namespace base
