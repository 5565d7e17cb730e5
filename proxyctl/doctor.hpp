#pragma once

#include "proxyctl/arguments.hpp"

namespace proxyctl {

/// Looks at the machine and, through the socket, at the instance, and says for each point whether it is well
/// and what to do. 0: all is ok, 1: there are warnings, 2: something is bad.
int run_doctor(Context& context, const Arguments& arguments);

}  // namespace proxyctl
