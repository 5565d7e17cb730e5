#pragma once

#include <string>
#include <vector>

#include "proxyctl/connection.hpp"

namespace proxyctl {

/// The path of proxyd: $PROXYD_PROGRAM, the one beside this program, or `proxyd` in the search path.
std::string proxyd_path();

/// Runs a program on this terminal and returns its exit status, 128 plus the number for a signal. Throws a
/// Failure if it cannot be started, and on a timeout, which leaves it running.
int run_program(const std::vector<std::string>& command, const Timeout& timeout);

}  // namespace proxyctl
