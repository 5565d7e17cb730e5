#pragma once

#include <string>

#include "base/clock.hpp"
#include "conf/config.hpp"

namespace policy {

/// True from the minute `from` to before `until`; a window over midnight belongs to the day it begins on.
[[nodiscard]] bool contains(const conf::TimeWindow& window, const base::LocalTime& time);

/// `Mon 08:30`.
[[nodiscard]] std::string to_string(const base::LocalTime& time);

}  // namespace policy
