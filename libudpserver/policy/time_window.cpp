#include "libudpserver/policy/time_window.hpp"

#include <fmt/core.h>

#include <array>

namespace policy {

namespace {

bool has_day(const conf::TimeWindow& window, int weekday) {
    return (window.days >> weekday & 1) != 0;
}

}  // namespace

bool contains(const conf::TimeWindow& window, const base::LocalTime& time) {
    if (window.from <= window.until)
        return has_day(window, time.weekday) && window.from <= time.minute && time.minute < window.until;
    const int yesterday = (time.weekday + 6) % 7;
    return (has_day(window, time.weekday) && time.minute >= window.from) ||
           (has_day(window, yesterday) && time.minute < window.until);
}

std::string to_string(const base::LocalTime& time) {
    static constexpr std::array days{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    return fmt::format("{} {:02}:{:02}", days.at(static_cast<std::size_t>(time.weekday)), time.minute / 60,
                       time.minute % 60);
}

}  // namespace policy
