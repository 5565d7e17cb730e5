#pragma once

#include <fmt/core.h>

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string_view>

/// What the command lines of the bench programs have in common.
namespace bench {

/// Wrong usage: the text says which argument, and what it should be. main prints it and exits 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A whole number from `low` to `high`, or a UsageError that names the option.
inline std::uint64_t whole_number(std::string_view option, std::string_view text, std::uint64_t low,
                                  std::uint64_t high) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
        throw UsageError(
            fmt::format("{} '{}': a whole number from {} to {} is expected", option, text, low, high));
    }
    return value;
}

}  // namespace bench
