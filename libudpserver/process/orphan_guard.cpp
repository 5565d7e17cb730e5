#include "libudpserver/process/orphan_guard.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include "base/privileges.hpp"
#include "base/signals.hpp"

namespace process {

namespace {

constexpr int time_to_record_ms = 2'000;

void wait_for_exit(int process) {
    pollfd watched{process, POLLIN, 0};
    while (::poll(&watched, 1, -1) < 0 && errno == EINTR) {
    }
}

void watch(base::UniqueFd parent) {
    ::prctl(PR_SET_NAME, "proxyd-guard");
    ::prctl(PR_SET_PDEATHSIG, SIGCONT);
    wait_for_exit(parent.get());
    ::poll(nullptr, 0, time_to_record_ms);
    ::kill(::getpid(), SIGKILL);
}

}  // namespace

ProcessHandle ProcessHandle::of(pid_t pid) {
    return {pid, base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
}

bool guard_orphan(ProcessHandle parent) {
    if (!parent.descriptor) return false;
    const base::BlockSignals quiet;  // the main thread acts on all of them
    std::thread(watch, std::move(parent.descriptor)).detach();
    return base::die_with_parent(parent.pid, SIGTERM);
}

}  // namespace process
