#pragma once

#include "libudpserver/process/exit_status.hpp"
#include "libudpserver/process/role.hpp"
#include "libudpserver/process/settings.hpp"

namespace process {

/// Runs a role in a process without supervision and waits for it, for a last task after the supervisor has
/// finished. Kills it after `limit`. Throws what spawn throws.
ExitStatus run_once(const Role& role, const Settings& settings, Duration limit);

}  // namespace process
