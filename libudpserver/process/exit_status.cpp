#include "libudpserver/process/exit_status.hpp"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

namespace process {
namespace {

bool is_crash(int signal) {
    static constexpr std::array crashes{SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP};
    return std::ranges::find(crashes, signal) != crashes.end();
}

}  // namespace

bool ExitStatus::has_crashed() const {
    return hung || (WIFSIGNALED(wait_status) && is_crash(WTERMSIG(wait_status)));
}

bool ExitStatus::is_own_fault() const {
    if (has_crashed()) return true;
    return WIFEXITED(wait_status) && WEXITSTATUS(wait_status) != 0 && WEXITSTATUS(wait_status) != work_left;
}

std::string to_string(const ExitStatus& status) {
    const int wait_status = status.wait_status;
    if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == work_left && !status.hung)
        return fmt::format("exit status {} (its work is left to the next one)", work_left);
    std::string text = WIFEXITED(wait_status) ? fmt::format("exit status {}", WEXITSTATUS(wait_status))
                                              : fmt::format("signal {} ({})", WTERMSIG(wait_status),
                                                            ::strsignal(WTERMSIG(wait_status)));
    if (status.hung) text += " after no heartbeat";
    return text;
}

void ArenaTrust::died(base::Instant now, std::optional<base::Instant> ready, const ExitStatus& status) {
    if (ready) {
        crashes_before_ready_ = 0;
        const bool counts = replacement_ && status.is_own_fault() && now - *ready <= soon;
        crashes_soon_ = counts ? crashes_soon_ + 1 : 0;
        poisoned_ = crashes_soon_ >= max_soon;
        replacement_ = true;
        return;
    }
    if (status.has_crashed()) ++crashes_before_ready_;
    // A child that crashed before it cleared a poisoned arena leaves it poisoned.
    if (crashes_before_ready_ >= max_before_ready) poisoned_ = true;
}

}  // namespace process
