#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// All commands, in the order in which help shows them. This is the only place where a command is declared.
std::span<const Command> commands();

/// The commands that a word can mean, upper and lower case equal: the one with this name, otherwise all that
/// begin with it (K-72).
std::vector<const Command*> find_commands(std::string_view word);

/// The only one. Throws a Failure that names the nearest, or those between which the word does not decide.
const Command& command_named(std::string_view word);

std::string_view title_of(Group group);
std::string_view word_for(Access access);

}  // namespace proxyctl
