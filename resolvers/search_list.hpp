#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace resolvers {

/// The names to ask for, in order: with `dots` or more dots the name as it is comes first, with fewer last; a
/// dot at its end excludes the search domains. Canonical; empty for a bad name.
std::vector<std::string> candidates(std::string_view name, const std::vector<std::string>& search,
                                    unsigned dots);

}  // namespace resolvers
