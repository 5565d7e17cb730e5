#pragma once

#include "proxyctl/arguments.hpp"

/// Commands about the program itself, its configuration and its manual.
namespace proxyctl {

extern const Option config_options[1];

int run_config(Context& context, const Arguments& arguments);
int run_version(Context& context, const Arguments& arguments);
int run_help(Context& context, const Arguments& arguments);
int run_man(Context& context, const Arguments& arguments);
/// The interactive mode ends by looking at the command, so this does nothing.
int run_quit(Context& context, const Arguments& arguments);

}  // namespace proxyctl
