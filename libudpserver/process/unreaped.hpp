#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace process {

/// Waits for the exit of a child: its wait status (0 if other code has waited for it), or nothing after
/// `limit`.
std::optional<int> reap_within(pid_t pid, base::Duration limit);

/// Child processes that have received SIGKILL and do not exit, for example because they hang in a disk. No
/// thread of them executes another instruction of its own: at most the kernel finishes a system call for it.
/// So others may do their work already, and nothing waits for them.
class Unreaped {
public:
    /// If three hang, something is wrong that more processes do not mend.
    static constexpr std::size_t max = 3;
    /// How long kill() waits. The kernel ends a process that does not hang in it much sooner.
    static constexpr base::Duration kill_limit{100};

    /// Sends SIGKILL. Returns the wait status; that of SIGKILL if it does not exit within 100 ms and is
    /// added.
    int kill(pid_t pid);
    /// Adds one that was killed.
    void add(pid_t pid) { pids_.push_back(pid); }
    /// Forgets those that have exited; for SIGCHLD.
    void reap();
    [[nodiscard]] std::size_t size() const { return pids_.size(); }

private:
    std::vector<pid_t> pids_;
};

}  // namespace process
