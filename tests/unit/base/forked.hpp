#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <exception>

/// Runs `body` in a child process, for what cannot be undone. The child ends with what `body` returns (0:
/// good), 99 when it throws, 128 + signal when it is killed.
template <typename Body>
int in_child(Body body) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        int status = 99;
        try {
            status = body();
        } catch (const std::exception&) {
        }
        ::_exit(status);
    }
    int status = 0;
    if (pid < 0 || ::waitpid(pid, &status, 0) != pid) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
