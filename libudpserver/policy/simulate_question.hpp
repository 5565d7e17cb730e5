#pragma once

#include "base/clock.hpp"
#include "conf/config.hpp"
#include "libudpserver/policy/session_acl.hpp"
#include "libudpserver/policy/simulate_words.hpp"

namespace policy {

/// `from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]`; what `at` leaves out is taken from `now`, a
/// port that `to` leaves out from the listener. Throws Misused.
[[nodiscard]] Question parse_question(const conf::Config& config, Words& words, const base::LocalTime& now);

/// The entry of `listen-on` that hears what is sent there, on any port if `local` has none; or null.
[[nodiscard]] const conf::ListenOn* listener_of(const conf::Config& config, const base::Endpoint& local);

}  // namespace policy
