#pragma once

#include <sys/types.h>

#include <exception>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/process/role.hpp"
#include "libudpserver/process/settings.hpp"

namespace process {

struct Spawned {
    pid_t pid = -1;
    base::UniqueFd link;  ///< the parent's end
};

/// Starts a process that runs `role` and exits. Throws std::system_error, or what `role.keep` throws, if no
/// process could be started.
Spawned spawn(const Role& role, const Settings& settings, bool fresh_start);

/// What to tell a user: the standard library names the lack of memory after its class.
std::string reason_of(const std::exception& error);

/// Closes every descriptor that is not in `keep`, which may be unsorted and contain duplicates and -1.
void close_all_but(std::vector<int> keep);

}  // namespace process
