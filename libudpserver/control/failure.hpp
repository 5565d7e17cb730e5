#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace control {

/// Why a request failed, for programs; the text is for people.
enum class Code : std::uint8_t {
    usage,    ///< the request is invalid
    refused,  ///< not permitted, or not possible in this state
    unknown,  ///< something that the request names does not exist: a command, a session
    busy,     ///< overloaded; retry
    gone,     ///< the process that has the answer is missing, or did not answer in time
    failed,   ///< it was tried and failed
};
inline constexpr std::size_t code_count = 6;

std::string_view to_string(Code code);
std::optional<Code> parse_code(std::string_view word);

/// Thrown by the handler of a request; the server sends it as an error line. what() says what is wrong and
/// what is expected.
class Failure : public std::runtime_error {
public:
    Failure(Code code, const std::string& text) : std::runtime_error(text), code_(code) {}
    [[nodiscard]] Code code() const { return code_; }

private:
    Code code_;
};

/// `unknown command 'pss'; did you mean 'ps'?`, or `unknown command 'x' (expected ps or stop)`. Untrusted
/// words are made safe to print.
std::string not_among(std::string_view what, std::string_view word, const std::vector<std::string>& known);

}  // namespace control
