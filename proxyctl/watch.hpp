#pragma once

#include "proxyctl/arguments.hpp"

namespace proxyctl {

extern const Option watch_options[5];

/// Prints what happens to sessions as it happens, until Ctrl-C.
int run_watch(Context& context, const Arguments& arguments);

}  // namespace proxyctl
