#pragma once

#include <optional>
#include <string>

namespace proxyd {

/// The command line: `proxyd [-dnsvhV] -f FILE [-t EXPR]`.
struct Options {
    std::string file;
    bool foreground = false;      ///< -d
    bool check_only = false;      ///< -n
    bool single_process = false;  ///< -s
    unsigned verbose = 0;         ///< -v, repeatable
    bool help = false, version = false;
    std::optional<std::string> simulate;  ///< -t
};

/// Nothing, and the reason on stderr, when the command line is wrong (exit status 2).
std::optional<Options> parse_options(int argc, char** argv);

std::string usage();

}  // namespace proxyd
