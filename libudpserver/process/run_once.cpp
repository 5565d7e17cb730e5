#include "libudpserver/process/run_once.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "libudpserver/process/spawn.hpp"

namespace process {

namespace {

/// The child's end of the link closes only when it exits.
bool exits_within(int link, Duration limit) {
    const base::Instant deadline = base::MonotonicClock::now() + limit;
    for (;;) {
        const Duration left = deadline - base::MonotonicClock::now();
        if (left <= Duration(0)) return false;
        pollfd watched{link, POLLRDHUP, 0};
        if (::poll(&watched, 1, static_cast<int>(left.count())) > 0) return true;
    }
}

}  // namespace

ExitStatus run_once(const Role& role, const Settings& settings, Duration limit) {
    const Spawned child = spawn(role, settings, true);
    ExitStatus status;
    if (!exits_within(child.link.get(), limit)) {
        status.hung = true;
        ::kill(child.pid, SIGKILL);
    }
    while (::waitpid(child.pid, &status.wait_status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

}  // namespace process
