#include "libudpserver/process/program_probe.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "base/unique_fd.hpp"

namespace process {

namespace {

constexpr std::size_t max_output = 16 * 1024;

void check(int error, const std::string& what) {
    if (error != 0) throw std::system_error(error, std::system_category(), what);
}

/// What posix_spawn does in the new process before the exec.
class Preparation {
public:
    Preparation(int input, int output) {
        check(::posix_spawn_file_actions_init(&actions_), "posix_spawn");
        check(::posix_spawnattr_init(&attributes_), "posix_spawn");
        ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    ~Preparation() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    Preparation(const Preparation&) = delete;
    Preparation& operator=(const Preparation&) = delete;

    pid_t spawn(const std::string& path, char** arguments) const {
        pid_t pid = -1;
        check(::posix_spawn(&pid, path.c_str(), &actions_, &attributes_, arguments, environ), path);
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

/// Reads until all writers have closed the pipe. False if the deadline passes first.
bool read_all(int pipe, base::Instant deadline, std::string& output) {
    for (;;) {
        const base::Duration left = deadline - base::MonotonicClock::now();
        pollfd watched{pipe, POLLIN, 0};
        if (left <= base::Duration(0)) return false;
        if (::poll(&watched, 1, static_cast<int>(left.count())) <= 0) continue;
        std::array<char, 4096> part;
        const ssize_t got = ::read(pipe, part.data(), part.size());
        if (got == 0 || (got < 0 && errno != EINTR)) return true;
        if (got > 0 && output.size() < max_output) output.append(part.data(), static_cast<std::size_t>(got));
    }
}

/// The process may outlive its outputs. False if the deadline passes first.
bool exits_by(pid_t pid, base::Instant deadline) {
    const base::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    for (;;) {
        const base::Duration left = deadline - base::MonotonicClock::now();
        pollfd watched{process.get(), POLLIN, 0};
        if (left <= base::Duration(0)) return false;
        if (::poll(&watched, 1, static_cast<int>(left.count())) > 0) return true;
    }
}

}  // namespace

Probe probe_program(const std::string& path, const std::vector<std::string>& arguments, int input,
                    base::Duration limit, Unreaped& unreaped) {
    const base::Instant deadline = base::MonotonicClock::now() + limit;
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) check(errno, "pipe");
    const base::UniqueFd from(ends[0]);
    base::UniqueFd to(ends[1]);
    std::vector<char*> words{const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments)
        words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const pid_t pid = Preparation(input, to.get()).spawn(path, words.data());
    to.reset();
    Probe probe;
    probe.hung = !read_all(from.get(), deadline, probe.output) || !exits_by(pid, deadline);
    probe.wait_status = unreaped.kill(pid);  // after its exit only for the status
    return probe;
}

}  // namespace process
