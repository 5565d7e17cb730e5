#pragma once

#include <vector>

#include "conf/config.hpp"

namespace conf {

/// Whether one item, without its `!`, means the address. Lists must be free of cycles, as loaded ones are.
bool means(const HostItem& item, const Address& address, const std::vector<NamedList>& lists);

/// K-34: some positive item matches, or there is none, and no negated item matches. `!@lan` so excludes
/// exactly what the list matches: its own exclusions are neither excluded nor included.
bool matches(const HostItems& items, const Address& address, const std::vector<NamedList>& lists);

}  // namespace conf
