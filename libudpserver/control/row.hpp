#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace control {

/// One line of an answer in the making: a JSON object, its members in the order in which they were added.
/// What is not known is left out. `end` and `error` are no names for members: they make end lines.
class Row {
public:
    /// Texts may hold anything: what is no visible UTF-8 is escaped, what is longer than 8 KiB is cut with
    /// `…`.
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
