#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/error.hpp"

namespace conf {

/// A position in the file, from 1.
struct Mark {
    int line = 1, column = 1;
    auto operator<=>(const Mark&) const = default;
};

/// One value of the file with its position. All scalars are text, which the sections interpret: YAML would
/// turn `22:30`, `010` or `no` into other values.
struct Node {
    enum class Kind { null, scalar, sequence, map };
    Kind kind = Kind::null;
    Mark mark;
    std::string text;
    std::vector<Node> items;  ///< sequence: the items; map: the values
    std::vector<Node> keys;   ///< map: keys[i] names items[i]; duplicates are still there
};

/// Limits that hold before the contents are interpreted.
inline constexpr std::size_t max_source_bytes = 1u << 20;
inline constexpr std::size_t max_source_depth = 32;
inline constexpr std::size_t max_source_nodes = 250'000;

/// The document, or the first error that stops the parser. Anchors, aliases and tags are refused: a
/// configuration needs none, and aliases let small files expand without limit.
std::variant<Node, Error> parse_yaml(std::string_view text);

}  // namespace conf
