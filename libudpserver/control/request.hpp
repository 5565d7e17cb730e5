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

/// No request is longer, in bytes, its line end not counted.
inline constexpr std::size_t max_request = 16 * 1024;

/// What an argument may be: a boolean, a whole number, a text.
using Value = std::variant<bool, std::int64_t, std::string>;
using Args = std::map<std::string, Value, std::less<>>;

/// The line was no JSON object at all: nothing that follows on the connection can be trusted.
class Malformed : public Failure {
public:
    explicit Malformed(const std::string& text) : Failure(Code::usage, text) {}
};

/// One question: `{"command": "sessions", "args": {"from": "10.0.0.0/8"}}`. The typed accessors throw Failure
/// (usage) with the argument's name when a value is of another kind or out of range.
class Request {
public:
    Request(std::string command, Args args) : command_(std::move(command)), args_(std::move(args)) {}

    /// Reads a line, which is foreign. Throws Malformed, or Failure when it is JSON but no request.
    static Request parse(std::string_view line);
    /// The line that parse() reads back, without its end.
    [[nodiscard]] std::string line() const;

    [[nodiscard]] const std::string& command() const { return command_; }
    [[nodiscard]] const Args& args() const { return args_; }
    [[nodiscard]] bool has(std::string_view name) const { return args_.contains(name); }

    /// Every handler calls this first: an argument that it does not know is an error, not ignored.
    void allow(const std::vector<std::string>& names) const;

    [[nodiscard]] std::optional<std::string> text(std::string_view name) const;
    [[nodiscard]] std::optional<bool> flag(std::string_view name) const;
    [[nodiscard]] std::optional<std::int64_t> number(
        std::string_view name, std::int64_t min = 0,
        std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
    /// Whole milliseconds, at most ten years.
    [[nodiscard]] std::optional<base::Duration> duration(std::string_view name) const;
    /// The same for an argument that must be there.
    [[nodiscard]] std::string needed_text(std::string_view name) const;

private:
    [[nodiscard]] const Value* find(std::string_view name) const;

    std::string command_;
    Args args_;
};

}  // namespace control
