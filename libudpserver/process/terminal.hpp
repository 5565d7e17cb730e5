#pragma once

namespace process {

/// Replaces stdin, stdout and stderr by /dev/null, except where the log is written.
void leave_terminal();

}  // namespace process
