#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "proxyd/handover.hpp"
#include "proxyd/load.hpp"
#include "proxyd/program.hpp"

namespace proxyd {

/// What main knows.
struct Start {
    const conf::Config& config;
    std::vector<std::string> warnings;  ///< the loader's; they go into the log too
    Load load;                          ///< reads the configuration again
    Program program;
    std::optional<Handover> handover;  ///< of the program that this process was before
};

/// Opens everything, becomes a daemon if so configured, runs the proxy to its end. Returns the exit status: 0
/// after an end that was asked for, 1 when the proxy could not start or gave up.
int start(const Start& parts);

}  // namespace proxyd
