#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "proxyd/candidate.hpp"
#include "proxyd/handover.hpp"
#include "proxyd/parent.hpp"
#include "proxyd/upgrade.hpp"

namespace proxyd {

/// What main knows.
struct Start {
    const conf::Config& config;
    std::vector<std::string> warnings;  ///< of the loader; they are logged too
    Load load;                          ///< reads the configuration again
    Program program;
    std::optional<Handover>
        handover;  ///< from the program that this process ran before, or that tries it out
    std::optional<Candidate> candidate = std::nullopt;  ///< if another program tries this one out
};

/// Opens everything, becomes a daemon if configured, and runs proxyd until it exits. Returns the exit status:
/// 0 after a requested shutdown, 1 if proxyd could not start or gave up.
int start(const Start& parts);

}  // namespace proxyd
