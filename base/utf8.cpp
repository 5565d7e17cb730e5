#include "base/utf8.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

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

struct Invisible {
    char32_t first, last;
    std::string_view name;
};

// Characters without a glyph of their own: a line that has one reads like another line. Marks of direction
// even let it show something else than what it says.
constexpr Invisible invisible[] = {
    {0x00, 0x1f, "control character"},
    {0x7f, 0x9f, "control character"},
    {0xa0, 0xa0, "no-break space"},
    {0xad, 0xad, "soft hyphen"},
    {0x34f, 0x34f, "joiner"},
    {0x61c, 0x61c, "direction mark"},
    {0x115f, 0x1160, "filler"},
    {0x1680, 0x1680, "space"},
    {0x180e, 0x180e, "separator"},
    {0x2000, 0x200a, "space"},
    {0x200b, 0x200b, "zero width space"},
    {0x200c, 0x200d, "zero width joiner"},
    {0x200e, 0x200f, "direction mark"},
    {0x2028, 0x2029, "separator"},
    {0x202a, 0x202e, "direction mark"},
    {0x202f, 0x202f, "no-break space"},
    {0x205f, 0x205f, "space"},
    {0x2060, 0x2060, "word joiner"},
    {0x2061, 0x2064, "invisible operator"},
    {0x2066, 0x2069, "direction mark"},
    {0x206a, 0x206f, "format character"},
    {0x3000, 0x3000, "space"},
    {0x3164, 0x3164, "filler"},
    {0xfeff, 0xfeff, "byte order mark"},
    {0xffa0, 0xffa0, "filler"},
    {0xfff9, 0xfffb, "format character"},
    {0xe0000, 0xe007f, "tag"},
};

const Invisible* find_invisible(char32_t code) {
    const auto* const found =
        std::find_if(std::begin(invisible), std::end(invisible),
                     [code](const Invisible& one) { return one.first <= code && code <= one.last; });
    return found == std::end(invisible) ? nullptr : found;
}

}  // namespace

Character first_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = length_by_first(first);
    if (length == 0 || length > text.size()) return {};
    char32_t code = length == 1 ? first : first & (0x7fu >> length);
    for (std::size_t i = 1; i < length; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80) return {};
        code = code << 6 | (next & 0x3fu);
    }
    return is_well_formed(code, length) ? Character{code, length} : Character{};
}

std::size_t visible_character(std::string_view text) {
    const Character character = first_character(text);
    const bool is_printable = character.code > 0x20 && character.code < 0x7f;
    return is_printable || (character.length > 0 && !find_invisible(character.code)) ? character.length : 0;
}

std::string name_of_invisible(char32_t code) {
    const Invisible* const found = find_invisible(code);
    return fmt::format("U+{:04X}{}", static_cast<unsigned>(code),
                       found ? fmt::format(" ({})", found->name) : "");
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
