#pragma once

#include <sys/types.h>

namespace process {

/// True if the process is a child of this one, or has exited: what it has left behind may be a child's.
bool may_be_child(pid_t pid);

}  // namespace process
