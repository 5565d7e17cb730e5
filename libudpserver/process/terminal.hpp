#pragma once

namespace process {

/// Puts /dev/null in the place of stdin, stdout and stderr, except where the log goes.
void leave_terminal();

}  // namespace process
