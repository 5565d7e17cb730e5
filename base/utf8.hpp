#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

/// A code point and its bytes; a length of 0 for bytes that are no character.
struct Character {
    char32_t code = 0;
    std::size_t length = 0;
};

/// The character that `text` begins with. `text` is not empty.
Character first_character(std::string_view text);

/// The bytes of the character that `text` begins with, if it is valid UTF-8 that a terminal shows as itself;
/// 0 for control characters (C0, DEL, C1), invisible characters and spaces other than U+0020, marks that turn
/// the direction of the text, and bytes that are no character. `text` is not empty.
std::size_t visible_character(std::string_view text);

/// `U+00A0 (no-break space)`; a visible character has no name.
std::string name_of_invisible(char32_t code);

/// `\n`, `\t`, `\r` or `\x1b`.
std::string escaped(char byte);

}  // namespace base
