#include "conf/time_window.hpp"

#include <fmt/core.h>

#include <array>

#include "base/text.hpp"

namespace conf {
namespace {

constexpr std::array<std::string_view, 7> day_names{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int day_minutes = 24 * 60;

std::optional<unsigned> parse_day(std::string_view text) {
    for (unsigned day = 0; day < day_names.size(); ++day) {
        if (base::lower(text) == base::lower(day_names[day])) return day;
    }
    return std::nullopt;
}

/// `Fri-Mon` goes over the end of the week.
std::optional<unsigned> parse_day_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    const auto first = parse_day(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_day(text.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    unsigned days = 0;
    for (unsigned day = *first;; day = (day + 1) % 7) {
        days |= 1u << day;
        if (day == *last) return days;
    }
}

std::optional<std::uint8_t> parse_days(std::string_view text) {
    unsigned days = 0;
    for (;;) {
        const std::size_t comma = text.find(',');
        const auto range = parse_day_range(text.substr(0, comma));
        if (!range) return std::nullopt;
        days |= *range;
        if (comma == std::string_view::npos) return static_cast<std::uint8_t>(days);
        text.remove_prefix(comma + 1);
    }
}

std::optional<int> parse_minute(std::string_view text) {
    const auto is_digit = [&](std::size_t at) { return text[at] >= '0' && text[at] <= '9'; };
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    if (!is_digit(0) || !is_digit(1) || !is_digit(3) || !is_digit(4)) return std::nullopt;
    const int hour = (text[0] - '0') * 10 + (text[1] - '0');
    const int minute = (text[3] - '0') * 10 + (text[4] - '0');
    if (minute > 59 || hour * 60 + minute > day_minutes) return std::nullopt;
    return hour * 60 + minute;
}

bool parse_hours(std::string_view text, TimeWindow& window) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return false;
    const auto from = parse_minute(text.substr(0, dash));
    const auto until = parse_minute(text.substr(dash + 1));
    if (!from || !until || *from == *until || *from == day_minutes) return false;
    window.from = *from;
    window.until = *until;
    return true;
}

std::string days_text(std::uint8_t days) {
    std::string text;
    for (unsigned day = 0; day < day_names.size(); ++day) {
        if (days & (1u << day)) text += (text.empty() ? "" : ",") + std::string(day_names[day]);
    }
    return days == 0x7f ? "Mon-Sun" : days == 0x1f ? "Mon-Fri" : text;
}

std::string minute_text(int minute) {
    return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

}  // namespace

std::optional<TimeWindow> parse_time_window(std::string_view text) {
    TimeWindow window;
    const std::size_t blank = text.find(' ');
    const std::string_view first = text.substr(0, blank);
    if (blank == std::string_view::npos && parse_hours(first, window)) return window;
    const auto days = parse_days(first);
    if (!days) return std::nullopt;
    window.days = *days;
    if (blank != std::string_view::npos && !parse_hours(text.substr(blank + 1), window)) return std::nullopt;
    return window;
}

std::string to_string(const TimeWindow& window) {
    return days_text(window.days) + " " + minute_text(window.from) + "-" + minute_text(window.until);
}

void read_time(const NodeRef& ref, std::vector<TimeWindow>& windows) {
    const std::string forms =
        "days, hours or both, for example 'Mon-Fri 07:00-19:00', 'Sat,Sun' or '22:00-06:00'";
    one_or_more(ref, forms, [&](const NodeRef& item) {
        const std::string* text = item.scalar(forms);
        if (!text) return;
        const auto window = parse_time_window(*text);
        if (window) {
            windows.push_back(*window);
        } else {
            item.refuse("invalid time window " + quote(*text), forms);
        }
    });
}

}  // namespace conf
