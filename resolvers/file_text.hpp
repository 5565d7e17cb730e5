#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace resolvers {

/// The first `limit` bytes of a file; nothing, with errno set, if it cannot be read.
std::optional<std::string> read_start(const std::string& path, std::size_t limit);

/// Removes the first word of a line and returns it; empty at the end.
std::string_view take_word(std::string_view& line);

}  // namespace resolvers
