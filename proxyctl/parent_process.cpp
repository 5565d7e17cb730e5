#include "proxyctl/parent_process.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.hpp"

namespace proxyctl {

ParentProcess::ParentProcess(const Context& context, Connection& connection) {
    open(connection.peer());
    if (fd_) return;
    ask(connection, context.patience(), {"version", {}},
        [this](const Row& row) { open(static_cast<pid_t>(row.number("pid").value_or(0))); });
}

void ParentProcess::open(pid_t pid) {
    if (pid <= 0) return;  // another pid namespace
    fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (fd_) pid_ = pid;
}

bool ParentProcess::wait_end(Connection& connection, const Patience& patience) const {
    if (fd_) return wait_for(fd_.get(), POLLIN, patience);
    // The kernel does not show the process. It closes its connections when it ends.
    const base::Instant end = base::MonotonicClock::now() + patience.limit;
    for (;;) {
        const base::Duration left = end - base::MonotonicClock::now();
        if (left <= base::Duration::zero()) return false;
        if (!wait_for(connection.descriptor(), POLLIN, {left, patience.interrupt})) return false;
        if (!connection.receive()) return true;
        while (connection.take_line()) {
        }
    }
}

}  // namespace proxyctl
