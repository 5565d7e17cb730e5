#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"
#include "conf/node_ref.hpp"

namespace conf {

/// Reads the items of `to`: a host item, perhaps with `:port` or `:first-last`. IPv6 with a port has
/// brackets.
void read_destinations(const NodeRef& ref, const std::vector<NamedList>& lists, std::vector<Destination>& to);

std::string to_string(const Destination& destination, const std::vector<NamedList>& lists);

}  // namespace conf
