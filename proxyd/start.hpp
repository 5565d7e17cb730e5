#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"

namespace proxyd {

/// Opens everything, becomes a daemon if so configured, runs the proxy to its end. Returns the exit status: 0
/// after an end that was asked for, 1 when the proxy could not start or gave up. `warnings` are the loader's;
/// they go into the log too.
int start(const conf::Config& config, const std::vector<std::string>& warnings);

}  // namespace proxyd
