#pragma once

#include <string>
#include <string_view>

#include "conf/config.hpp"
#include "libudpserver/base/clock.hpp"

namespace session {

struct Simulation {
    std::string text;  ///< lines for the user, the last one ended too
    bool ok = false;   ///< the expression was understood; a denied client is ok as well
};

/// `proxyd -t EXPRESSION` (K-30): `from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]`, `show-acl`,
/// `show-hash`, `help`. What `at` leaves out is taken from `now`.
[[nodiscard]] Simulation simulate(const conf::Config& config, std::string_view expression,
                                  const base::LocalTime& now = base::LocalTime::now());

}  // namespace session
