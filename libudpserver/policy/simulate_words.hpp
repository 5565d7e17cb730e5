#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace policy {

/// A mistake in the expression of `proxyd -t`.
struct Misused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <typename... Args>
[[noreturn]] void misused(fmt::format_string<Args...> format, Args&&... args) {
    throw Misused(fmt::format(format, std::forward<Args>(args)...));
}

/// The words of such an expression, one after the other. The text outlives them.
class Words {
public:
    explicit Words(std::string_view text);

    [[nodiscard]] bool more() const { return next_ < words_.size(); }
    [[nodiscard]] std::string_view peek() const { return more() ? words_[next_] : std::string_view(); }
    /// Throws Misused when there is none.
    std::string_view take(std::string_view after);

private:
    std::vector<std::string_view> words_;
    std::size_t next_ = 0;
};

}  // namespace policy
