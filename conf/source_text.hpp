#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conf/yaml_source.hpp"

namespace conf {

/// What makes a file no text at all, before YAML is asked.
struct Flaw {
    Mark mark;
    std::string text;
};

/// The first control character, broken UTF-8 sequence, mark that turns the direction of the text (it could
/// show another file than the one that is read), or tab in an indentation.
std::optional<Flaw> find_flaw(std::string_view text);

/// The character at a place of the text; 0 when there is none.
char character_at(std::string_view text, Mark mark);

}  // namespace conf
