#pragma once

#include <string>

#include "libudpserver/sandbox/table.hpp"

namespace sandbox {

/// Installs the filter of the table for this process. Returns false if the kernel has no filters; throws
/// base::Fatal if it refuses this one. With PROXYD_STRICT_SANDBOX in the environment a child is also killed
/// by a call that the table does not have: tests find it then.
bool install_filter(Role role, unsigned needs);

/// The version of the parent's filter that this process inherited from the program before an upgrade; 0:
/// none. The filter itself answers.
unsigned inherited_parent_version();

/// `openat`, or the number of a call that is unknown here.
std::string name_of_call(int number);

}  // namespace sandbox
