#pragma once

#include <optional>
#include <string>
#include <string_view>

/// Names of hosts and domains as the file may have them: labels of 1 to 63 letters, digits, `-` and `_`, no
/// `-` at either end of a label, 253 characters in all besides a dot at the end.
namespace conf {

/// The name in lower case, with the dot at its end if it has one: that keeps the search list away. Nothing
/// for what is no name, and for what is rather an address with a typing mistake (`10.0.0.1O`, `fe80`).
std::optional<std::string> host_name(std::string_view text);

/// The domain in lower case and without a dot at its end.
std::optional<std::string> domain_name(std::string_view text);

/// Whether a name, with or without a dot at its end, is the domain or below it. Both in lower case; no name
/// is in an empty domain.
bool is_in_domain(std::string_view name, std::string_view domain);

}  // namespace conf
