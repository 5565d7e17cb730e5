#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxyctl/row.hpp"

/// Numbers and foreign text made readable.
namespace proxyctl {

/// `350ms`, `7.2s`, `45s`, `3m12s`, `2h05m`, `3d04h`.
std::string human_duration(std::int64_t milliseconds);

/// `512`, `1.5K`, `23M`: units of 1024.
std::string human_size(double bytes);

/// `0.4`, `17`, `1.5k`: units of 1000.
std::string human_count(double count);

/// Escapes everything a terminal would act upon, but unlike base::printable not quotes and backslashes.
std::string visible(std::string_view text);

/// JSON that shows the same on a terminal as to a program: control and invisible characters are escaped.
std::string visible_json(std::string_view line);

/// The number of characters; each counts as one column.
std::size_t columns_of(std::string_view text);

/// At most `width` characters, the last one `…` if some were cut.
std::string cut(std::string_view text, std::size_t width);

/// A value as a table cell: durations for names in `_ms`, sizes for `_bytes`, lists with commas.
std::string cell_text(std::string_view name, const Value& value);

/// The time of day, `14:03:59`.
std::string clock_text();

}  // namespace proxyctl
