#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

/// The bytes of the character that `text` begins with, if it is valid UTF-8 that a terminal shows as itself;
/// 0 for control characters (C0, DEL, C1), line and paragraph separators, marks that turn the direction of
/// the text, and bytes that are no character. `text` is not empty.
std::size_t visible_character(std::string_view text);

/// `\n`, `\t`, `\r` or `\x1b`.
std::string escaped(char byte);

}  // namespace base
