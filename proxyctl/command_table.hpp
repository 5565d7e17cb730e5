#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "proxyctl/command.hpp"

namespace proxyctl {

/// The rows of the table, each in the file that runs it.
std::span<const Command> instance_commands();
std::span<const Command> process_commands();
std::span<const Command> session_commands();
std::span<const Command> monitor_commands();
std::span<const Command> watch_commands();
std::span<const Command> policy_commands();
std::span<const Command> log_commands();
std::span<const Command> health_commands();
std::span<const Command> doctor_commands();
std::span<const Command> general_commands();

/// For the functions above.
namespace row_words {
using enum Group;
using enum Access;
using enum Scope;
}  // namespace row_words

/// All commands, in the order in which help shows them.
const std::vector<Command>& commands();

/// The command of this name, otherwise all that begin so, in upper or lower case (K-72).
std::vector<const Command*> find_commands(std::string_view word);

/// The only one. Throws a Failure that lists the candidates, or names the nearest command.
const Command& command_named(std::string_view word);

std::string_view title_of(Group group);
std::string_view word_for(Access access);

}  // namespace proxyctl
