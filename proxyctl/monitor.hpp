#pragma once

#include "proxyctl/arguments.hpp"

namespace proxyctl {

extern const Option monitor_options[1];

/// A live table of the sessions until `q`. The terminal is restored also when a signal ends it.
int run_monitor(Context& context, const Arguments& arguments);

}  // namespace proxyctl
