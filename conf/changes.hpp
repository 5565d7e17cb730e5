#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"

namespace conf {

/// The keys, as in the file, that differ and that a running proxy cannot follow: it must be restarted.
std::vector<std::string> changes_for_restart(const Config& before, const Config& after);

/// What is different, line by line of the effective configurations: `- ` gone, `+ ` new, each group under
/// a line with its section, `session-acl:`. Empty when they mean the same.
std::vector<std::string> differences(const Config& before, const Config& after);

}  // namespace conf
