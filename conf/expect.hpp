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
#include "conf/place.hpp"
#include "conf/words.hpp"

namespace conf {

/// What a key wants: said in words, and read from a value. `read` reports its own mistakes.
template <typename T>
struct Expect {
    std::string what;
    std::function<std::optional<T>(const Place&)> read;
};

/// Digits only: no sign, no leading zero (`010` would be 8 to some readers), no fraction.
std::optional<std::uint64_t> parse_whole_number(std::string_view text);

Expect<std::uint64_t> whole_number(std::uint64_t least, std::uint64_t most);
Expect<Duration> duration(Duration least, Duration most);
Expect<std::uint64_t> size(std::uint64_t most, std::uint64_t least = 0);
Expect<unsigned> percent();
Expect<bool> boolean();
/// 1..64 of letters, digits, `.`, `_`, `-`.
Expect<std::string> word(std::size_t longest = 64);
Expect<std::string> absolute_path();
/// `53` or `5060-5070`; 0 only alone and only where `zero` says so.
Expect<PortRange> ports(bool zero);
Expect<Address> address();

bool is_word(std::string_view text, std::size_t longest = 64);
bool is_absolute_path(std::string_view text);
std::optional<PortRange> parse_ports(std::string_view text);

/// `text, json or xml`.
std::string alternatives(const std::vector<std::string>& words);

/// One of a few words; `what` when there are shorter ways to say which.
template <typename T>
Expect<T> choice(Words<T> choices, std::string what = {}) {
    std::vector<std::string> words;
    for (const auto& known : choices)
        words.push_back(known.first);
    if (what.empty()) what = alternatives(words);
    auto read = [=](const Place& place) -> std::optional<T> {
        const std::string* text = place.scalar(what);
        if (!text) return std::nullopt;
        for (const auto& known : choices) {
            if (known.first == *text) return known.second;
        }
        place.refuse(shown(*text) + " is not known here", what, *text, words);
        return std::nullopt;
    };
    return {what, read};
}

/// The same number in a smaller type; `most` of whole_number() keeps it in range.
template <typename T>
Expect<T> number(std::uint64_t least = 0, std::uint64_t most = std::numeric_limits<T>::max()) {
    const Expect<std::uint64_t> wide = whole_number(least, most);
    auto read = [wide](const Place& place) -> std::optional<T> {
        const auto value = wide.read(place);
        return value ? std::optional<T>(static_cast<T>(*value)) : std::nullopt;
    };
    return {wide.what, read};
}

}  // namespace conf
