#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxyctl/command.hpp"

/// From the words of a command line to an exit status.
namespace proxyctl {

/// A command line, or a line of the interactive mode: global options, perhaps an instance, then a command
/// with its arguments.
struct CommandLine {
    Settings settings;
    bool help = false;
    bool version = false;
    bool complete = false;           ///< `--complete`: print the candidates for the last word
    std::vector<std::string> words;  ///< the command and its arguments; empty: interactive
};

/// Reads the words on top of `settings`, whose selection holds if the words have none. The first word that is
/// not an option is an instance if one has this name, or if a command follows it. Throws a Failure.
CommandLine parse_command_line(const std::vector<std::string>& words, Settings settings);

std::string usage();

/// Runs a command for its instances and returns the worst exit status. Throws a Failure if it cannot run, or
/// fails for its only instance.
int run_command(const Settings& settings, const std::vector<std::string>& words, Signals* interrupt);

/// Calls `function` and turns what it throws into an error message and an exit status.
int report(const std::function<int()>& function);

}  // namespace proxyctl
