#include "base/log_escape.hpp"

#include "base/utf8.hpp"

namespace base::log {
namespace {

constexpr std::string_view cut_mark = "…";

// JSON has \n, \t, \r and \u00xx; a byte that is not part of a character becomes the text `\xff`.
std::string json_escaped(char byte) {
    const auto value = static_cast<unsigned char>(byte);
    auto plain = escaped(byte);
    if (value >= 0x80) return '\\' + plain;
    return plain[1] == 'x' ? "\\u00" + plain.substr(2) : plain;
}

std::string escaped_as(char byte, bool visible, Escaping how) {
    if (visible) return {'\\', byte};
    return how == Escaping::json ? json_escaped(byte) : escaped(byte);
}

}  // namespace

std::string escape(std::string_view text, std::size_t limit, Escaping how) {
    std::string out;
    std::size_t cut = 0;  // the last place where the mark would still fit
    while (!text.empty()) {
        const auto length = visible_character(text);
        const bool quoting = how != Escaping::control && (text.front() == '"' || text.front() == '\\');
        const bool plain = length > 0 && !quoting;
        if (plain)
            out.append(text.substr(0, length));
        else
            out += escaped_as(text.front(), length > 0, how);
        if (out.size() > limit) {
            out.resize(cut);
            return out.append(cut_mark);
        }
        if (out.size() + cut_mark.size() <= limit) cut = out.size();
        text.remove_prefix(plain ? length : 1);
    }
    return out;
}

std::string json_string(std::string_view text, std::size_t limit) {
    return '"' + escape(text, limit, Escaping::json) + '"';
}

}  // namespace base::log
