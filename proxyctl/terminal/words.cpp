#include "proxyctl/terminal/words.hpp"

#include "proxyctl/command.hpp"
#include "proxyctl/failure.hpp"

namespace proxyctl {

namespace {

struct Split {
    std::vector<std::string> words;
    bool in_word = false;  ///< the line ends in the last word
    bool is_open = false;  ///< a quote has no end, or nothing follows a backslash
};

Split split(std::string_view line) {
    constexpr std::string_view blanks = " \t\r\n";
    Split result;
    char quote = '\0';
    bool is_escaped = false;
    for (const char c : line) {
        const bool is_literal = is_escaped || quote != '\0';
        if (!is_literal && blanks.find(c) != std::string_view::npos) {
            result.in_word = false;
            continue;
        }
        if (!result.in_word) result.words.emplace_back();
        result.in_word = true;
        if (!is_escaped && c == '\\' && quote != '\'') {
            is_escaped = true;
        } else if (!is_escaped && quote != '\0' && c == quote) {
            quote = '\0';
        } else if (!is_literal && (c == '"' || c == '\'')) {
            quote = c;
        } else {
            result.words.back() += c;
            is_escaped = false;
        }
    }
    result.is_open = quote != '\0' || is_escaped;
    return result;
}

}  // namespace

std::vector<std::string> split_words(std::string_view line) {
    if (line.size() > max_line)
        fail(exit_status::misused, "line too long: {} characters (maximum {})", line.size(), max_line);
    Split result = split(line);
    if (result.is_open) fail(exit_status::misused, "unterminated quote");
    check_limits(result.words);
    return std::move(result.words);
}

std::vector<std::string> words_so_far(std::string_view line) {
    Split result = split(line.substr(0, max_line));
    if (!result.in_word) result.words.emplace_back();
    return std::move(result.words);
}

}  // namespace proxyctl
