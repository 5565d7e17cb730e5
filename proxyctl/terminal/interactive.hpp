#pragma once

#include "proxyctl/command.hpp"

namespace proxyctl {

/// Runs command lines until `quit` or the end of the input. A line with only an instance selects it for the
/// following lines. Returns 0 on a terminal, otherwise the worst exit status.
int run_interactive(Settings settings);

}  // namespace proxyctl
