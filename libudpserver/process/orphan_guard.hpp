#pragma once

#include <sys/types.h>

#include "base/unique_fd.hpp"

namespace process {

/// A process and a descriptor of it; the descriptor is not valid if the process has exited already.
struct ProcessHandle {
    pid_t pid = -1;
    base::UniqueFd descriptor;

    static ProcessHandle of(pid_t pid);
};

/// Starts a thread that lets this process outlive its parent only for as long as it needs to record its
/// sessions. The kernel sends the parent-death signals of all threads of a process: SIGTERM for the main one,
/// which stops in order, and SIGCONT for this one, for a process that is stopped. A process that hangs is
/// killed by this thread two seconds later. SIGKILL as the only signal would lose the records. False if
/// the parent has exited already. Throws std::system_error. Call it after the privileges are dropped, which
/// clears the signals.
bool guard_orphan(ProcessHandle parent);

}  // namespace process
