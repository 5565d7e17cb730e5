#include "base/clock.hpp"

#include <cstdlib>
#include <ctime>

#include <catch2/catch.hpp>

#include "tests/unit/base/forked.hpp"

using namespace base;

TEST_CASE("the clock is the kernel's monotonic one, the same in all processes [O-26]") {
    timespec before{}, after{};
    ::clock_gettime(CLOCK_MONOTONIC, &before);
    const auto now = MonotonicClock::now().time_since_epoch();
    ::clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(now >= Duration(before.tv_sec * 1000 + before.tv_nsec / 1'000'000));
    CHECK(now <= Duration(after.tv_sec * 1000 + after.tv_nsec / 1'000'000));
}

TEST_CASE("local time counts days from Monday") {
    const std::time_t seconds = std::time(nullptr);
    const auto now = LocalTime::now();
    const auto* broken = std::localtime(&seconds);
    CHECK(now.weekday == (broken->tm_wday == 0 ? 6 : broken->tm_wday - 1));
    CHECK((now.minute - (broken->tm_hour * 60 + broken->tm_min) + 1440) % 1440 <= 1);
}

TEST_CASE("local time follows a change of the time zone [G-6]") {
    CHECK(in_child([] {
              ::setenv("TZ", "UTC0", 1);
              const int utc = LocalTime::now().minute;
              ::setenv("TZ", "XYZ-5", 1);
              const int later = (LocalTime::now().minute - utc + 1440) % 1440;
              return later == 300 || later == 301 ? 0 : 1;
          }) == 0);
}
