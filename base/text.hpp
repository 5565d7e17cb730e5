#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace base {

/// Durations as users write them: `500ms`, `30s`, `5m`, `1h`, `1d`; a whole number and exactly one unit.
std::optional<Duration> parse_duration(std::string_view text);
/// The shortest exact form that parse_duration reads back.
std::string format_duration(Duration duration);

/// Sizes in bytes: `0`, `512`, `64KiB`, `1MiB`, `1GiB`, `64kB`, `1MB`, `1GB`.
std::optional<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

/// Foreign text made safe for a log line: control characters, quotes and backslashes escaped, at most `limit`
/// characters, `…` marks what was cut.
std::string printable(std::string_view text, std::size_t limit = 200);

/// Changes ASCII letters only, independent of the locale.
constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower(std::string_view text);
std::string upper(std::string_view text);

std::string joined(const std::vector<std::string>& texts, std::string_view separator = ", ");

/// The candidate with the smallest edit distance to `word`, if it is near enough to be a typing mistake.
std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace base
