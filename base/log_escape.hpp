#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base::log {

/// control: only what is no visible character; quoted: quotes and backslashes too; json: as a JSON string
/// needs it.
enum class Escaping { control, quoted, json };

/// The text with everything escaped that `how` demands, in at most `limit` bytes (not less than three); `…`
/// marks a cut, which never falls inside a character or an escape.
std::string escape(std::string_view text, std::size_t limit, Escaping how);

/// The value of a JSON string member, quotes included.
std::string json_string(std::string_view text, std::size_t limit);

}  // namespace base::log
