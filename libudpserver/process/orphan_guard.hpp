#pragma once

#include <sys/types.h>

namespace process {

/// Starts a thread that lets this process outlive its parent only for as long as it needs to record its
/// sessions. The kernel sends the parent-death signals of all threads of a process: SIGTERM for the main one,
/// which stops in order, and SIGCONT for this one, for a process that is stopped. A process that hangs is
/// killed by this thread two seconds later. SIGKILL as the only signal would lose the records. False if
/// `parent` has exited already. Throws std::system_error. Call it after the privileges are dropped, which
/// clears the signals.
bool guard_orphan(pid_t parent);

}  // namespace process
