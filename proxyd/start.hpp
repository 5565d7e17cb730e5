#pragma once

#include "conf/config.hpp"

namespace proxyd {

/// Opens everything, becomes a daemon if so configured, runs the proxy to its end. Returns the exit status: 0 after
/// an end that was asked for, 1 when the proxy could not start or gave up.
int start(const conf::Config& config);

}  // namespace proxyd
