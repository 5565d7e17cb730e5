#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// Runs a command for the instances it is meant for and returns the worst exit status. Throws a Failure when
/// it does not come to running, or when it fails for its only instance.
int run_command(const Settings& settings, const std::vector<std::string>& words, Signals* interrupt);

/// Calls `function` and turns what it throws into a complaint and an exit status.
int report(const std::function<int()>& function);

}  // namespace proxyctl
