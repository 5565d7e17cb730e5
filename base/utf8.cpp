#include "base/utf8.hpp"

#include <cstdint>

namespace base {
namespace {

std::size_t length_by_first(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return 2;
    if (first >= 0xe0 && first <= 0xef) return 3;
    if (first >= 0xf0 && first <= 0xf4) return 4;
    return 0;
}

// Overlong forms and surrogates would let the same character, or none, look like another one.
bool is_well_formed(char32_t code, std::size_t length) {
    if (length == 3) return code >= 0x800 && (code < 0xd800 || code > 0xdfff);
    if (length == 4) return code >= 0x10000 && code <= 0x10ffff;
    return true;
}

bool is_visible(char32_t code) {
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
    // Separators and marks of direction: they would let a line show something else than what it says.
    return !(code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
             (code >= 0x2066 && code <= 0x2069) || code == 0x061c || code == 0xfeff);
}

}  // namespace

std::size_t visible_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = length_by_first(first);
    if (length == 0 || length > text.size()) return 0;
    char32_t code = length == 1 ? first : first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return 0;
        code = code << 6 | (next & 0x3fu);
    }
    return is_well_formed(code, length) && is_visible(code) ? length : 0;
}

std::string escaped(char byte) {
    switch (byte) {
        case '\n':
            return "\\n";
        case '\t':
            return "\\t";
        case '\r':
            return "\\r";
        default:
            break;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    const auto value = static_cast<unsigned char>(byte);
    return {'\\', 'x', digits[value >> 4], digits[value & 15]};
}

}  // namespace base
