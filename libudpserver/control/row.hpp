#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace control {

/// A line of an answer: a JSON object with its members in the order in which they were added. Unknown values
/// are left out. `end` and `error` are reserved for end lines.
class Row {
public:
    /// Any text: escaped where it is not visible UTF-8, truncated with `…` after 8 KiB.
    Row& add(std::string_view name, std::string_view text);
    Row& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
    Row& add(std::string_view name, const std::string& text) { return add(name, std::string_view(text)); }
    Row& add(std::string_view name, bool flag);
    template <std::integral T>
    Row& add(std::string_view name, T number) {
        return raw(name, std::to_string(number));
    }
    /// Whole milliseconds; the name ends in `_ms`.
    Row& add(std::string_view name, base::Duration duration) { return add(name, duration.count()); }
    Row& add(std::string_view name, const std::vector<std::string>& list);
    Row& add(std::string_view name, const Row& inside) { return raw(name, inside.text()); }

    [[nodiscard]] bool empty() const { return members_.empty(); }
    /// `{"role":"REG","pid":4711}`, without a line end.
    [[nodiscard]] std::string text() const { return '{' + members_ + '}'; }

private:
    Row& raw(std::string_view name, std::string_view json);

    std::string members_;
};

}  // namespace control
