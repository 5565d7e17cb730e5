#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conf/config.hpp"
#include "conf/node_ref.hpp"
#include "conf/words.hpp"

namespace conf {

/// The type of a key's value: a description for messages and a reader. `read` reports its own errors.
template <typename T>
struct ValueType {
    std::string expected;
    std::function<std::optional<T>(const NodeRef&)> read;
};

/// Digits only: no sign, no leading zero (some programs read `010` as 8), no fraction.
std::optional<std::uint64_t> parse_whole_number(std::string_view text);

ValueType<std::uint64_t> whole_number(std::uint64_t min, std::uint64_t max);
ValueType<Duration> duration(Duration min, Duration max);
ValueType<std::uint64_t> size(std::uint64_t max, std::uint64_t min = 0);
ValueType<unsigned> percent();
/// `1000/s`; 0 is no limit.
ValueType<std::uint32_t> rate();
ValueType<bool> boolean();
/// 1..64 of letters, digits, `.`, `_`, `-`.
ValueType<std::string> word(std::size_t max_length = 64);
ValueType<std::string> absolute_path();
/// `53` or `5060-5070`; 0 only alone and only where `zero` says so.
ValueType<PortRange> ports(bool zero);
ValueType<Address> address();

/// An address that exists once on each link, written without its interface.
bool lacks_interface(const Address& address);
/// The error for it: `fe80::1 lacks its interface (expected 'fe80::1%INTERFACE', ...)`.
void refuse_without_interface(const NodeRef& ref, const Address& address);

bool is_word(std::string_view text, std::size_t max_length = 64);
bool is_absolute_path(std::string_view text);
std::optional<PortRange> parse_ports(std::string_view text);

/// `text, json or xml`.
std::string alternatives(const std::vector<std::string>& words);

/// One of a few words, which messages call `noun`. `expected` replaces the list of all words.
template <typename T>
ValueType<T> choice(Words<T> choices, const std::string& noun = "value", std::string expected = {}) {
    std::vector<std::string> words;
    for (const auto& known : choices)
        words.push_back(known.first);
    if (expected.empty()) expected = alternatives(words);
    auto read = [=](const NodeRef& ref) -> std::optional<T> {
        const std::string* text = ref.scalar(expected);
        if (!text) return std::nullopt;
        for (const auto& known : choices) {
            if (known.first == *text) return known.second;
        }
        ref.refuse("unknown " + noun + " " + quote(*text), expected, *text, words);
        return std::nullopt;
    };
    return {expected, read};
}

/// The same number in a smaller type; `most` of whole_number() keeps it in range.
template <typename T>
ValueType<T> number(std::uint64_t min = 0, std::uint64_t max = std::numeric_limits<T>::max()) {
    const ValueType<std::uint64_t> wide = whole_number(min, max);
    auto read = [wide](const NodeRef& ref) -> std::optional<T> {
        const auto value = wide.read(ref);
        return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
    };
    return {wide.expected, read};
}

}  // namespace conf
