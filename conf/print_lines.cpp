#include "conf/print_lines.hpp"

#include <fmt/core.h>

#include "base/text.hpp"

namespace conf {

std::string text(const std::string& value) {
    std::string out = "'";
    for (const char c : value) {
        out += c;
        if (c == '\'') out += c;
    }
    return out + "'";
}

std::string text(bool value) {
    return value ? "true" : "false";
}

std::string text(Duration value) {
    return base::format_duration(value);
}

std::string text(const PortRange& port) {
    return port.first == port.last ? std::to_string(port.first)
                                   : fmt::format("'{}-{}'", port.first, port.last);
}

std::string bytes(std::uint64_t value) {
    return base::format_size(value);
}

std::string list(const std::vector<std::string>& items) {
    return list(items, [](const std::string& item) { return text(item); });
}

Lines& Lines::key(std::string_view name, std::string_view value) {
    out_ += fmt::format("{}{}: {}\n", indent_, name, value);
    return *this;
}

Lines& Lines::section(std::string_view name, const std::string& lines) {
    out_ += fmt::format("{}{}:\n{}", indent_, name, lines);
    return *this;
}

}  // namespace conf
