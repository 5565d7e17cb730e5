#pragma once

#include "conf/config.hpp"
#include "conf/report.hpp"
#include "conf/system.hpp"

namespace conf {

/// What one key alone cannot tell. Values that have mistakes of their own already are passed over.
void check(const Config& config, const System& system, Report& report);

void check_listeners(const Config& config, const System& system, Report& report);
void check_lists(const Config& config, Report& report);
void check_rules(const Config& config, const System& system, Report& report);
/// Names and regular expressions: where they may stand, how many there may be, whom they do not keep out.
void check_host_names(const Config& config, Report& report);
/// Checks against listeners: loops (plug-to or a name server is an own listener) and session types that do
/// not mix.
void check_paths(const Config& config, Report& report);

}  // namespace conf
