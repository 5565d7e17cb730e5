#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"

namespace conf {

/// The host names that the configuration's rules and the lists they use depend on, sorted, each once: what
/// ACR resolves (K-52).
std::vector<std::string> names(const Config& config);

/// Whether any rule, or a list that it uses, has a regular expression, so that clients' names must be looked
/// up.
bool has_patterns(const Config& config);

}  // namespace conf
