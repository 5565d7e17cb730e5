#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "libudpserver/control/failure.hpp"

namespace control {

/// The longest request in bytes, without the newline.
inline constexpr std::size_t max_request = 16 * 1024;

/// The value of an argument: a boolean, a whole number or a text.
using Value = std::variant<bool, std::int64_t, std::string>;
using Args = std::map<std::string, Value, std::less<>>;

/// The line is not a JSON object: the rest of the connection cannot be parsed.
class Malformed : public Failure {
public:
    explicit Malformed(const std::string& text) : Failure(Code::usage, text) {}
};

/// A request: `{"command": "sessions", "args": {"from": "10.0.0.0/8"}}`. The typed accessors throw Failure
/// (usage) with the name of the argument if a value has another type or is out of range.
class Request {
public:
    Request(std::string command, Args args) : command_(std::move(command)), args_(std::move(args)) {}

    /// Parses an untrusted line. Throws Malformed, or Failure if it is JSON but not a request.
    static Request parse(std::string_view line);
    /// The line that parse() reads, without the newline.
    [[nodiscard]] std::string line() const;

    [[nodiscard]] const std::string& command() const { return command_; }
    [[nodiscard]] const Args& args() const { return args_; }
    [[nodiscard]] bool has(std::string_view name) const { return args_.contains(name); }

    /// Every handler calls this first: an unknown argument is an error.
    void allow(const std::vector<std::string>& names) const;

    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    [[nodiscard]] std::optional<bool> flag(std::string_view name) const;
    [[nodiscard]] std::optional<std::int64_t> number(
        std::string_view name, std::int64_t min = 0,
        std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
    /// Whole milliseconds, at most ten years.
    [[nodiscard]] std::optional<base::Duration> duration(std::string_view name) const;
    /// The text of a mandatory argument.
    [[nodiscard]] std::string needed_text(std::string_view name) const;

private:
    [[nodiscard]] const Value* find(std::string_view name) const;

    std::string command_;
    Args args_;
};

}  // namespace control
