#include "conf/source_text.hpp"

#include <cstddef>

#include "base/utf8.hpp"

namespace conf {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

std::optional<Flaw> find_flaw(std::string_view text) {
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    Mark mark;
    bool indentation = true;
    while (!text.empty()) {
        const char c = text.front();
        const std::size_t length = is_blank(c) ? 1 : base::visible_character(text);
        if (length == 0) return Flaw{mark, "'" + base::escaped(c) + "' begins no visible UTF-8 character"};
        if (c == '\t' && indentation) return Flaw{mark, "a tab in the indentation (expected spaces)"};
        indentation = c == '\n' || (indentation && c == ' ');
        mark = c == '\n' ? Mark{mark.line + 1, 1} : Mark{mark.line, mark.column + static_cast<int>(length)};
        text.remove_prefix(length);
    }
    return std::nullopt;
}

char character_at(std::string_view text, Mark mark) {
    std::size_t at = 0;
    for (int line = 1; line < mark.line; ++line) {
        at = text.find('\n', at);
        if (at == std::string_view::npos) return 0;
        ++at;
    }
    if (mark.column < 1) return 0;
    at += static_cast<std::size_t>(mark.column - 1);
    return at < text.size() ? text[at] : '\0';
}

}  // namespace conf
