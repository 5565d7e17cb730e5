#pragma once

#include <algorithm>
#include <cstdint>

namespace policy {

/// Whether something matches, or what must be known first. In this order, so that of several the greatest
/// decides an "or".
enum class Match : std::uint8_t {
    no,
    needs_client_names,  ///< the client's reverse names
    needs_names,         ///< a name of the configuration: the client need not be asked about before
    yes
};

[[nodiscard]] constexpr bool undecided(Match match) {
    return match != Match::no && match != Match::yes;
}

[[nodiscard]] constexpr Match either(Match a, Match b) {
    return std::max(a, b);
}

/// A certain "no" of one needs to know nothing of the other.
[[nodiscard]] constexpr Match both(Match a, Match b) {
    if (a == Match::no || b == Match::no) return Match::no;
    if (a == Match::yes) return b;
    return b == Match::yes ? a : std::max(a, b);
}

[[nodiscard]] constexpr Match inverse(Match match) {
    if (undecided(match)) return match;
    return match == Match::yes ? Match::no : Match::yes;
}

}  // namespace policy
