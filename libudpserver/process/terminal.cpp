#include "libudpserver/process/terminal.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/unique_fd.hpp"

namespace process {

void leave_terminal() {
    // If a standard descriptor was closed, /dev/null may have its number, and must stay open.
    base::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null) return;
    const auto log = base::log::descriptors();
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (std::ranges::find(log, fd) == log.end()) ::dup2(null.get(), fd);
    if (null.get() <= STDERR_FILENO) (void)null.release();
}

}  // namespace process
