#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace control {

/// Why a request got no answer, for programs; the text beside it is for people.
enum class Code : std::uint8_t {
    usage,    ///< the request itself is wrong
    refused,  ///< the client may not, or what it asks for cannot be done in this state
    unknown,  ///< what the request names does not exist: a command, a session
    busy,     ///< too much is going on; ask again
    gone,     ///< the process that knows the answer is not there, or did not answer in time
    failed,   ///< it was tried and went wrong
};
inline constexpr std::size_t code_count = 6;

std::string_view to_string(Code code);
std::optional<Code> parse_code(std::string_view word);

/// Thrown by what looks at a request; whoever answers it sends an error line. what() says what is wrong and
/// what would be right.
class Failure : public std::runtime_error {
public:
    Failure(Code code, const std::string& text) : std::runtime_error(text), code_(code) {}
    [[nodiscard]] Code code() const { return code_; }

private:
    Code code_;
};

/// `unknown command 'pss'; did you mean 'ps'?`, or the list of all that there is when nothing is near.
/// Foreign words are made safe to print.
std::string not_among(std::string_view what, std::string_view word, const std::vector<std::string>& known);

}  // namespace control
