#pragma once

#include <string>
#include <vector>

#include "proxyctl/connection.hpp"

namespace proxyctl {

/// The path of proxyd: $PROXYD_PROGRAM, the one beside this program, or `proxyd` in the search path.
std::string proxyd_path();

/// Runs a program with our terminal to its end and returns its exit status, 128 and the number for a signal.
/// Throws a Failure when it cannot be started, and when it does not end in time; then it goes on.
int run_program(const std::vector<std::string>& command, const Patience& patience);

}  // namespace proxyctl
