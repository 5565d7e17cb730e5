#pragma once

#include "conf/config.hpp"

namespace proxyd {

/// Starts a process of each role, in which it tries what the sandbox forbids, and prints the results. 0 if
/// all of it was denied, otherwise 1. It opens no listener and changes nothing.
int selftest_sandbox(const conf::Config& config);

}  // namespace proxyd
