#include "proxyctl/program.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/text.hpp"
#include "proxyctl/failure.hpp"

extern char** environ;

namespace proxyctl {

namespace {

pid_t spawn(const std::vector<std::string>& command) {
    std::vector<char*> argv;
    for (const std::string& word : command)
        argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ);
    if (error != 0) fail(exit_status::failed, "cannot run {}: {}", command.front(), std::strerror(error));
    return pid;
}

int status_of(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            fail(exit_status::failed, "cannot wait for pid {}: {}", pid, std::strerror(errno));
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

std::string proxyd_path() {
    const char* chosen = std::getenv("PROXYD_PROGRAM");
    if (chosen != nullptr && *chosen != '\0') return chosen;
    std::error_code error;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::filesystem::path beside = self.parent_path() / "proxyd";
    return !error && ::access(beside.c_str(), X_OK) == 0 ? beside.string() : "proxyd";
}

int run_program(const std::vector<std::string>& command, const Timeout& timeout) {
    const pid_t pid = spawn(command);
    const base::UniqueFd exited(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (exited && !wait_for(exited.get(), POLLIN, timeout)) {
        fail(exit_status::timed_out, "{} (pid {}) did not exit within {} and is still running",
             command.front(), pid, base::format_duration(timeout.limit));
    }
    return status_of(pid);
}

}  // namespace proxyctl
