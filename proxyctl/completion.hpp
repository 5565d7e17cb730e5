#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// What completion needs from a running instance: the values of a field in the rows of a question, for
/// example the names of rules. Empty when there is no answer soon.
using AskWords = std::function<std::vector<std::string>(
    const Selection& selection, const std::string& command, const std::string& field)>;

/// What the last of the words, perhaps empty, could become: commands, instances, options, and what the table
/// declares for options and operands. Sorted as declared.
std::vector<std::string> complete(const std::vector<std::string>& words, const Settings& settings,
                                  const AskWords& ask_words);

/// Asks the instance with little patience.
AskWords ask_instance(const Settings& settings);

/// What several candidates begin with.
std::string common_beginning(const std::vector<std::string>& candidates);

/// What may follow: the usage of the command in the words so far, or the commands that they can mean.
std::vector<std::string> context_help(const std::vector<std::string>& words);

}  // namespace proxyctl
