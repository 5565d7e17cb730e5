#pragma once

#include "proxyctl/command.hpp"

namespace proxyctl {

/// Reads commands until `quit` or the end of the input, and returns the exit status: 0 on a terminal, of a
/// script the worst of its commands. A line has the form of the command line; a name alone chooses the
/// instance for the lines that follow.
int run_interactive(Settings settings);

}  // namespace proxyctl
