#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/names.hpp"

namespace policy {

struct Simulation {
    std::string text;  ///< lines for the user, the last one ended too
    /// The expression was understood; a denied client is ok as well, and one that depends on what is not
    /// known.
    bool ok = false;
};

/// The confirmed reverse names of a client; nothing when they cannot be found out. Asked only if the policy
/// depends on them, once.
using AskClientNames = std::function<std::optional<std::vector<std::string>>(const base::Address&)>;

/// `proxyd -t EXPRESSION` (K-30): `from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]`, `show-acl`,
/// `show-hash`, `help`. What `at` leaves out is taken from `now`. Without `client_names` those are not known.
[[nodiscard]] Simulation simulate(const conf::Config& config, std::string_view expression, const Names& names,
                                  const AskClientNames& client_names,
                                  const base::LocalTime& now = base::LocalTime::now());
/// The same while no name is known.
[[nodiscard]] Simulation simulate(const conf::Config& config, std::string_view expression,
                                  const base::LocalTime& now = base::LocalTime::now());

}  // namespace policy
