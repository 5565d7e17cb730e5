#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/node_ref.hpp"

namespace conf {

/// `Mon-Fri 07:00-19:00`, `Sat,Sun`, `22:00-06:00`: days, hours or both. Nothing for anything else.
std::optional<TimeWindow> parse_time_window(std::string_view text);
std::string to_string(const TimeWindow& window);

/// Reads one window or a list of them.
void read_time(const NodeRef& ref, std::vector<TimeWindow>& windows);

}  // namespace conf
