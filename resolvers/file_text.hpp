#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace resolvers {

/// The first `limit` bytes of a file; nothing, with the reason in errno, when it cannot be read.
std::optional<std::string> read_start(const std::string& path, std::size_t limit);

/// Takes the first word off a line; empty at its end.
std::string_view take_word(std::string_view& line);

}  // namespace resolvers
