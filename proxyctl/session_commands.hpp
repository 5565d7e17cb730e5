#pragma once

#include "proxyctl/arguments.hpp"

namespace proxyctl {

extern const Option sessions_options[3];
extern const Option session_options[1];

int run_sessions(Context& context, const Arguments& arguments);
int run_session(Context& context, const Arguments& arguments);

}  // namespace proxyctl
