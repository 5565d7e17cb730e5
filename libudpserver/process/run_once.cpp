#include "libudpserver/process/run_once.hpp"

#include <poll.h>

#include "libudpserver/process/spawn.hpp"
#include "libudpserver/process/unreaped.hpp"

namespace process {

namespace {

/// After the link was closed.
constexpr Duration time_to_exit{1'000};

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
    if (exits_within(child.link.get(), limit))
        if (const auto status = reap_within(child.pid, time_to_exit)) return {.wait_status = *status};
    Unreaped unreaped;  // what hangs in the kernel is left to it, and to init
    return {.wait_status = unreaped.kill(child.pid), .hung = true};
}

}  // namespace process
