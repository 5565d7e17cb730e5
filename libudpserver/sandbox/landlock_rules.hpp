#pragma once

#include "libudpserver/sandbox/sandbox.hpp"

namespace sandbox {

/// The version of the kernel's Landlock; 0: it has none, or it is off.
unsigned landlock_version();

/// Restricts this process to the files and ports of the request. A file that does not exist is left out.
/// Throws base::Fatal.
void apply_landlock(const Request& request, unsigned version);

}  // namespace sandbox
