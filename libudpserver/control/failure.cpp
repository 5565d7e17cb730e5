#include "libudpserver/control/failure.hpp"

#include <fmt/core.h>

#include <array>

#include "base/text.hpp"

namespace control {
namespace {

constexpr std::array<std::string_view, code_count> code_names{"usage", "refused", "unknown",
                                                              "busy",  "gone",    "failed"};
constexpr std::size_t max_word = 64;

/// `a, b or c`
std::string list_of(const std::vector<std::string>& words) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
    return text;
}

}  // namespace

std::string_view to_string(Code code) {
    return code_names[static_cast<std::size_t>(code)];
}

std::optional<Code> parse_code(std::string_view word) {
    for (std::size_t i = 0; i < code_names.size(); ++i)
        if (code_names[i] == word) return static_cast<Code>(i);
    return std::nullopt;
}

std::string not_among(std::string_view what, std::string_view word, const std::vector<std::string>& known) {
    std::string text = fmt::format("unknown {} '{}'", what, base::printable(word, max_word));
    if (known.empty()) return text + " (there are none)";
    if (const auto near = base::nearest(word, known))
        return text + fmt::format("; did you mean '{}'?", *near);
    return text + fmt::format(" (expected {})", list_of(known));
}

}  // namespace control
