#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace proxyctl {

/// EXIT STATUS in proxyctl(8). `status` and `doctor` return values of their own.
namespace exit_status {
constexpr int good = 0;
constexpr int failed = 1;
constexpr int misused = 2;
constexpr int not_running = 3;
constexpr int no_right = 4;
constexpr int timed_out = 5;
}  // namespace exit_status

/// Ends a command with a text for the user and an exit status. The text may contain foreign text, which
/// print_error() escapes.
struct Failure : std::runtime_error {
    Failure(int exit, const std::string& text) : std::runtime_error(text), status(exit) {}
    int status;
};

template <typename... Args>
[[noreturn]] void fail(int status, fmt::format_string<Args...> format, Args&&... args) {
    throw Failure(status, fmt::format(format, std::forward<Args>(args)...));
}

/// Ctrl-C during a command of the interactive mode.
struct Interrupted {};

}  // namespace proxyctl
