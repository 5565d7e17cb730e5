#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libudpserver/ipc/message_type.hpp"
#include "libudpserver/process/restart_policy.hpp"

namespace process {

class ChildRuntime;

/// All that the supervisor knows about a service: a name and an entry function.
struct Role {
    std::string name;  ///< `REG`: process title and log lines
    ipc::Party party;
    RestartSpeed speed;
    /// The child's main; returns its exit status. Runs in a new process on each start, right after the fork.
    std::function<int(ChildRuntime&)> run;
    /// The descriptors that a new child keeps besides its link and its log. Called in the parent before each
    /// fork.
    std::function<std::vector<int>()> keep;
    /// Called in a new process after the change of its user, and before its first thread and `run`: opens
    /// what its sandbox will forbid, then enters it.
    std::function<void()> confine = {};
    /// Called in the parent for a process that SIGSYS killed: the system call that it tried.
    std::function<std::string()> forbidden_call = {};
    /// The proxy works without it for a time: its exits are no crash loop, only its restarts are delayed.
    bool may_crash = false;
};

}  // namespace process
