#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"

/// What the printers of all sections write with.
namespace conf {

/// In single quotes: nothing but the quote itself has a meaning there.
std::string text(const std::string& value);
std::string text(bool value);
std::string text(Duration value);
std::string text(const PortRange& port);
std::string bytes(std::uint64_t value);

/// `[a, b]`
template <typename Items, typename Text>
std::string list(const Items& items, Text item_text) {
    std::string out;
    for (const auto& item : items)
        out += (out.empty() ? "" : ", ") + item_text(item);
    return "[" + out + "]";
}

/// `['a', 'b']`
std::string list(const std::vector<std::string>& items);

/// Writes `key: value` lines at one depth.
class Lines {
public:
    explicit Lines(std::string indent) : indent_(std::move(indent)) {}

    Lines& key(std::string_view name, std::string_view value);
    Lines& key(std::string_view name, std::uint64_t value) { return key(name, std::to_string(value)); }
    template <typename Value>
    Lines& key_if(bool given, std::string_view name, const Value& value) {
        return given ? key(name, value) : *this;
    }
    Lines& section(std::string_view name, const std::string& lines);
    [[nodiscard]] const std::string& str() const { return out_; }

private:
    std::string indent_;
    std::string out_;
};

}  // namespace conf
