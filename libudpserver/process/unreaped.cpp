#include "libudpserver/process/unreaped.hpp"

#include <poll.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <optional>

namespace process {

namespace {

std::optional<int> wait_status_of(pid_t pid) {
    int status = 0;
    pid_t got = -1;
    do {
        got = ::waitpid(pid, &status, WNOHANG);
    } while (got < 0 && errno == EINTR);
    return got == 0 ? std::nullopt : std::optional(status);
}

}  // namespace

// Without a descriptor of the process: there may be none left.
std::optional<int> reap_within(pid_t pid, base::Duration limit) {
    const base::Instant deadline = base::MonotonicClock::now() + limit;
    for (;;) {
        const std::optional<int> status = wait_status_of(pid);
        if (status || base::MonotonicClock::now() >= deadline) return status;
        ::poll(nullptr, 0, 1);
    }
}

int Unreaped::kill(pid_t pid) {
    ::kill(pid, SIGKILL);
    if (const auto status = reap_within(pid, kill_limit)) return *status;
    add(pid);
    return SIGKILL;
}

void Unreaped::reap() {
    std::erase_if(pids_, [](pid_t pid) { return wait_status_of(pid).has_value(); });
}

}  // namespace process
