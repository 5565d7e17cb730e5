#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace proxyctl {

/// What the program exits with (EXIT STATUS in proxyctl(8)). `status` and `doctor` have numbers of their own.
namespace exit_status {
constexpr int good = 0;
constexpr int failed = 1;
constexpr int misused = 2;
constexpr int not_running = 3;
constexpr int no_right = 4;
constexpr int timed_out = 5;
}  // namespace exit_status

/// A command that cannot go on: the text for the user, and the exit status. It may hold foreign text; who
/// prints it makes it visible.
struct Failure : std::runtime_error {
    Failure(int exit, const std::string& text) : std::runtime_error(text), status(exit) {}
    int status;
};

template <typename... Args>
[[noreturn]] void fail(int status, fmt::format_string<Args...> format, Args&&... args) {
    throw Failure(status, fmt::format(format, std::forward<Args>(args)...));
}

/// Ctrl-C during a command of the interactive mode; it is no failure.
struct Interrupted {};

}  // namespace proxyctl
