#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proxyctl {

/// Bounds of what a user types (K-72).
constexpr std::size_t longest_command_line = 4096;
constexpr std::size_t longest_argument = 1024;
constexpr std::size_t most_arguments = 100;

/// The words of a line of the interactive mode: blanks part them, '...' and "..." and \ keep them together.
/// Throws a Failure for an open quote and for what is beyond the bounds.
std::vector<std::string> split_words(std::string_view line);

/// The same of a line that is still being typed: the last word is the one at the cursor, perhaps empty.
/// Quotes that are open do not matter, and nothing is thrown.
std::vector<std::string> words_so_far(std::string_view line);

/// Throws a Failure for arguments beyond the bounds.
void check_bounds(const std::vector<std::string>& words);

std::string lower(std::string_view text);
std::string upper(std::string_view text);

}  // namespace proxyctl
