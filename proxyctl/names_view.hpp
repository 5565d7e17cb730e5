#pragma once

#include <string>
#include <vector>

#include "proxyctl/row.hpp"
#include "proxyctl/table.hpp"

/// Rows of the command `names` for people. Pure calculation.
namespace proxyctl {

/// `3m12s ago: timed out`; nothing when there was none.
std::string last_trouble(const Row& name);

/// Each name with its state, in that state's colour, and its last trouble.
Table names_table(const std::vector<Row>& names);

}  // namespace proxyctl
