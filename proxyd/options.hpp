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
    bool handover = false;                ///< --handover: asked by an upgrade
    bool selftest = false;                ///< --selftest sandbox
    std::optional<std::string> evaluate;  ///< -t

    /// Only prints something about the program itself.
    [[nodiscard]] bool about() const { return help || version || handover; }
};

/// Nothing, with the reason on stderr, if the command line is invalid (exit status 2).
std::optional<Options> parse_options(int argc, char** argv);

std::string usage();

}  // namespace proxyd
