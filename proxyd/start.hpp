#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"
#include "proxyd/load.hpp"

namespace proxyd {

/// Opens everything, becomes a daemon if so configured, runs the proxy to its end. Returns the exit status: 0
/// after an end that was asked for, 1 when the proxy could not start or gave up. `warnings` are the loader's;
/// they go into the log too. `load` reads the
/// configuration again.
int start(const conf::Config& config, const std::vector<std::string>& warnings, const Load& load);

}  // namespace proxyd
