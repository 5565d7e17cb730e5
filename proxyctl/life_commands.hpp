#pragma once

#include "proxyctl/arguments.hpp"

/// Commands that begin and end instances.
namespace proxyctl {

extern const Option stop_options[1];
extern const Option reload_options[1];

int run_start(Context& context, const Arguments& arguments);
int run_stop(Context& context, const Arguments& arguments);
int run_restart(Context& context, const Arguments& arguments);
int run_reload(Context& context, const Arguments& arguments);
int run_upgrade(Context& context, const Arguments& arguments);

}  // namespace proxyctl
