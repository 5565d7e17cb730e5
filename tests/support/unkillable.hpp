#pragma once

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <utility>

#include "base/unique_fd.hpp"

/// Holds a process on its way out, as a disk that hangs does: SIGKILL ends all that it does, but it has its
/// descriptors and memory, and its parent cannot reap it. A helper traces it until release().
class Unkillable {
public:
    explicit Unkillable(pid_t pid) {
        int go[2], held[2];
        REQUIRE(::pipe2(go, O_CLOEXEC) == 0);
        REQUIRE(::pipe2(held, O_CLOEXEC) == 0);
        base::UniqueFd wait(go[0]), report(held[1]);
        const base::UniqueFd answer(held[0]);
        go_.reset(go[1]);
        helper_ = ::fork();
        if (helper_ == 0) hold(pid, wait.get(), report.get());
        report.reset();
        char word = 0;
        is_held_ = ::read(answer.get(), &word, 1) == 1;
    }
    ~Unkillable() { release(); }
    Unkillable(const Unkillable&) = delete;
    Unkillable& operator=(const Unkillable&) = delete;

    /// False if this user may not trace.
    [[nodiscard]] bool is_held() const { return is_held_; }

    void release() {
        if (helper_ < 0) return;
        go_.reset();
        ::waitpid(std::exchange(helper_, -1), nullptr, 0);
    }

private:
    [[noreturn]] static void hold(pid_t pid, int wait, int report) {
        // The end of the pipe that the test closes is open here, too.
        for (int fd = 3; fd < 1024; ++fd)
            if (fd != wait && fd != report) ::close(fd);
        char word = 0;
        if (::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACEEXIT) == 0) {
            static_cast<void>(::write(report, "h", 1));
            static_cast<void>(::read(wait, &word, 1));
        }
        ::_exit(0);  // which lets the process go
    }

    base::UniqueFd go_;
    pid_t helper_ = -1;
    bool is_held_ = false;
};
