#pragma once

#include <sys/types.h>

#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/process/role.hpp"
#include "libudpserver/process/settings.hpp"

namespace process {

struct Spawned {
    pid_t pid = -1;
    base::UniqueFd link;  ///< the parent's end
};

/// Starts a process that runs `role` and never comes back from here. Throws std::system_error, or what
/// `role.keep` throws, when there is no process.
Spawned spawn(const Role& role, const Settings& settings, bool fresh_start);

/// Closes every descriptor that is not in `keep` (in any order, also twice or invalid ones).
void close_all_but(std::vector<int> keep);

}  // namespace process
