#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/load.hpp"

namespace conf {

/// A place in the file, from 1.
struct Mark {
    int line = 1, column = 1;
    auto operator<=>(const Mark&) const = default;
};

/// One value of the file with its place. All scalars are text: the sections decide what they mean, so that
/// `22:30`, `010` or `no` never become something that was not written.
struct Node {
    enum class Kind { null, scalar, sequence, map };
    Kind kind = Kind::null;
    Mark mark;
    std::string text;
    std::vector<Node> items;  ///< sequence: the items; map: the values
    std::vector<Node> keys;   ///< map: keys[i] names items[i]; duplicates are still there
};

/// What a file may cost before anything in it is understood.
inline constexpr std::size_t max_source_bytes = 1u << 20;
inline constexpr std::size_t max_source_depth = 32;
inline constexpr std::size_t max_source_nodes = 250'000;

/// The document, or the one mistake that keeps the text from being YAML within the bounds. Anchors, aliases
/// and tags are refused: a configuration needs none, and aliases make small files grow without bound.
std::variant<Node, Error> parse_yaml(std::string_view text);

}  // namespace conf
