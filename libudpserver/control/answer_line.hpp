#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libudpserver/control/failure.hpp"

/// The lines of an answer: rows (row.hpp), then one end line.
namespace control {

/// The longest line of an answer in bytes, without the newline.
inline constexpr std::size_t max_answer_line = 64 * 1024;

/// `{"end":true}` and `{"error":"...","code":"..."}`, without newlines.
std::string end_line();
std::string error_line(Code code, std::string_view text);
inline std::string error_line(const Failure& failure) {
    return error_line(failure.code(), failure.what());
}

/// True if a text of a child begins with an error_line(). Rows never do.
bool begins_with_error(std::string_view text);

/// A value that came in an answer: a member of an object has a name, an item of a list has none.
struct Member {
    enum class Kind : std::uint8_t { nothing, boolean, number, text, list, object };
    std::string name;
    Kind kind = Kind::nothing;
    std::string text;              ///< a text itself, everything else as JSON
    std::vector<Member> inside{};  ///< of a list or an object
};

/// An answer's line as the client sees it. It comes from the proxy, but is checked all the same.
struct AnswerLine {
    enum class Kind : std::uint8_t { row, end, error, senseless };
    Kind kind = Kind::senseless;
    std::vector<Member> members{};  ///< of a row, in their order
    Code code = Code::failed;       ///< of an error
    std::string text{};             ///< of an error; or why the line is senseless

    /// The member of this name, nullptr when there is none.
    [[nodiscard]] const Member* find(std::string_view name) const;
};

/// Never throws on what the line holds. A code of a later version is `failed`.
AnswerLine parse_answer(std::string_view line);

}  // namespace control
