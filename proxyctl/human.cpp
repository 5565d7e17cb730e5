#include "proxyctl/human.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace proxyctl {

namespace {

constexpr std::size_t max_cell = 1000;

/// `_ms` alone is a name, not a unit.
bool has_unit(std::string_view name, std::string_view unit) {
    return name.size() > unit.size() && name.ends_with(unit);
}

std::string scaled(double amount, double step, std::string_view units) {
    std::size_t unit = 0;
    // 999.5 would be rounded to 1000 of the smaller unit.
    for (; amount >= step - 0.5 && unit + 1 < units.size(); ++unit)
        amount /= step;
    if (amount >= 1e6) return fmt::format("{:.3g}{}", amount, units[unit]);
    const bool fraction = unit > 0 && amount < 9.95;
    std::string text = fraction ? fmt::format("{:.1f}", amount) : fmt::format("{:.0f}", amount);
    if (unit > 0) text += units[unit];
    return text;
}

std::string list_text(const Value& list) {
    std::string text;
    for (const Field& member : list.members) {
        if (!text.empty()) text += ", ";
        if (!member.name.empty()) text += base::printable(member.name) + " ";
        text += cell_text(member.name, member.value);
    }
    return text.empty() ? "-" : text;
}

std::string number_text(std::string_view name, const Value& value) {
    constexpr double max_integer = 9e18;
    const bool duration = has_unit(name, "_ms") && std::abs(value.number()) < max_integer;
    if (duration) return human_duration(static_cast<std::int64_t>(value.number()));
    if (has_unit(name, "_bytes")) return human_size(value.number());
    if (value.kind == Value::Kind::integer) return std::to_string(value.integer);
    return fmt::format("{:.6g}", value.real);
}

/// The length of the first character; a byte that is not part of one counts as a character.
std::size_t step_of(std::string_view text) {
    const std::size_t length = base::visible_character(text);
    return length == 0 ? 1 : length;
}

}  // namespace

std::string human_duration(std::int64_t milliseconds) {
    if (milliseconds < 0) return milliseconds == INT64_MIN ? "-" : "-" + human_duration(-milliseconds);
    if (milliseconds < 1000) return fmt::format("{}ms", milliseconds);
    if (milliseconds < 10'000) return fmt::format("{}.{}s", milliseconds / 1000, milliseconds / 100 % 10);
    const std::int64_t seconds = milliseconds / 1000;
    if (seconds < 60) return fmt::format("{}s", seconds);
    if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string human_size(double bytes) {
    return scaled(bytes, 1024, " KMGTP");
}

std::string human_count(double count) {
    if (count > 0 && count < 9.95) return fmt::format("{:.1f}", count);
    return scaled(count, 1000, " kMGTP");
}

std::string visible(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t length = base::visible_character(text);
        if (length > 0) {
            out += text.substr(0, length);
        } else {
            out += base::escaped(text.front());
        }
        text.remove_prefix(length > 0 ? length : 1);
    }
    return out;
}

std::string visible_json(std::string_view line) {
    constexpr char32_t first_pair = 0x10000;
    std::string out;
    while (!line.empty()) {
        const std::size_t length = base::visible_character(line);
        const base::Character character = base::first_character(line);
        if (length > 0) {
            out += line.substr(0, length);
        } else if (character.length == 0) {
            out += "\\ufffd";
        } else if (character.code < 0x20) {
            out += ' ';  // between values: inside a text it would not be JSON
        } else if (character.code < first_pair) {
            out += fmt::format("\\u{:04x}", static_cast<unsigned>(character.code));
        } else {
            const auto rest = static_cast<unsigned>(character.code - first_pair);
            out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10), 0xdc00 + (rest & 0x3ff));
        }
        line.remove_prefix(std::max(length, std::max<std::size_t>(character.length, 1)));
    }
    return out;
}

std::size_t columns_of(std::string_view text) {
    std::size_t count = 0;
    for (; !text.empty(); ++count)
        text.remove_prefix(step_of(text));
    return count;
}

std::string cut(std::string_view text, std::size_t width) {
    if (columns_of(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::size_t end = 0;
    for (std::size_t count = 1; count < width; ++count)
        end += step_of(text.substr(end));
    return std::string(text.substr(0, end)) + "…";
}

std::string cell_text(std::string_view name, const Value& value) {
    switch (value.kind) {
        case Value::Kind::null:
            return "-";
        case Value::Kind::boolean:
            return value.boolean ? "yes" : "no";
        case Value::Kind::integer:
        case Value::Kind::real:
            return number_text(name, value);
        case Value::Kind::text:
            return value.text.empty() ? "-" : base::printable(value.text, max_cell);
        case Value::Kind::list:
        case Value::Kind::object:
            break;
    }
    return list_text(value);
}

std::string clock_text() {
    return fmt::format("{:%H:%M:%S}", fmt::localtime(std::time(nullptr)));
}

}  // namespace proxyctl
