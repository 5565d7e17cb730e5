#include "libudpserver/process/own_child.hpp"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

namespace process {

bool may_be_child(pid_t pid) {
    if (pid <= 0) return false;  // of another pid namespace, in which no child is
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0) return true;
    return ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace process
