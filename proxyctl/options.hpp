#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// The command line: options of the program, perhaps an instance, then a command with its arguments. The same
/// form is a line of the interactive mode.
struct Options {
    Settings settings;
    bool help = false;
    bool version = false;
    bool complete = false;           ///< `--complete`: print what could be the last word
    std::vector<std::string> words;  ///< the command and its arguments; empty: interactive
};

/// Reads the words on top of `settings`. The first word that is no option is an instance when one has this
/// name, or when a command follows it. Throws a Failure.
Options parse_options(const std::vector<std::string>& words, Settings settings);

std::string usage();

}  // namespace proxyctl
