#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace proxyctl {

/// The longest line of the interactive mode (K-72).
constexpr std::size_t max_line = 4096;

/// The words of a line: blanks separate them, '...', "..." and \ keep them together. Throws a Failure for an
/// unterminated quote and for a line or an argument that is too long.
std::vector<std::string> split_words(std::string_view line);

/// The words of a line that is still being typed: the last one, possibly empty, is at the cursor. Accepts
/// open quotes, throws nothing.
std::vector<std::string> words_so_far(std::string_view line);

}  // namespace proxyctl
