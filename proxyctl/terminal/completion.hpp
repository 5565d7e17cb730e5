#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// The values of a field in the rows of a running instance's answer, for example the names of rules. Empty if
/// there is no answer soon.
using FieldQuery = std::function<std::vector<std::string>(
    const Selection& selection, const std::string& command, const std::string& field)>;

/// The candidates for the last word, which may be empty: commands, instances, options, and values of options
/// and operands.
std::vector<std::string> complete(const std::vector<std::string>& words, const Settings& settings,
                                  const FieldQuery& query);

/// Queries the instance with a short timeout.
FieldQuery query_instance(const Settings& settings);

std::string common_prefix(const std::vector<std::string>& words);

/// The usage of the command in a line, or the commands that its last word may become. `words` has at least
/// one.
std::vector<std::string> context_help(const std::vector<std::string>& words);

}  // namespace proxyctl
