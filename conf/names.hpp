#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"

namespace conf {

/// The host names that the configuration's rules and the lists they use depend on, sorted, each once: what
/// ACR resolves (K-52).
std::vector<std::string> names(const Config& config);

/// Whether any rule, or a list that one uses, has a regular expression: whether clients' names are asked for.
bool has_patterns(const Config& config);

}  // namespace conf
