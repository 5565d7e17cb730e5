#include "libudpserver/process/daemonise.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "base/fatal.hpp"
#include "base/signals.hpp"
#include "libudpserver/process/exit_status.hpp"
#include "libudpserver/process/terminal.hpp"

namespace process {
namespace {

constexpr char is_ready = '0';

[[noreturn]] void fail(const char* what) {
    throw base::Fatal(std::string("cannot become a daemon: ") + what + ": " + std::strerror(errno));
}

bool read_report(int fd) {
    char answer = 0;
    ssize_t got = -1;
    do {
        got = ::read(fd, &answer, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 && answer == is_ready;
}

// An exit of the daemon closes its end of the pipe, so without a report it has failed.
[[noreturn]] void wait_for_report(base::UniqueFd report, pid_t daemon) {
    if (read_report(report.get())) ::_exit(EXIT_SUCCESS);
    ExitStatus status;
    pid_t got = -1;
    do {
        got = ::waitpid(daemon, &status.wait_status, 0);
    } while (got < 0 && errno == EINTR);
    std::fprintf(stderr, "proxyd: start failed: pid %d: %s\n", static_cast<int>(daemon),
                 to_string(status).c_str());
    const bool exited =
        got == daemon && WIFEXITED(status.wait_status) && WEXITSTATUS(status.wait_status) != 0;
    ::_exit(exited ? WEXITSTATUS(status.wait_status) : EXIT_FAILURE);
}

}  // namespace

Daemon Daemon::detach() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
    base::UniqueFd reader(ends[0]), writer(ends[1]);
    std::fflush(nullptr);  // or buffered output would be printed twice
    const pid_t pid = ::fork();
    if (pid < 0) fail("fork");
    if (pid > 0) {
        writer.reset();
        base::unblock_all();  // so that Ctrl-C works during a long start
        wait_for_report(std::move(reader), pid);
    }
    if (::setsid() < 0) fail("setsid");
    return Daemon(std::move(writer));
}

void Daemon::report_ready() {
    if (!report_) return;
    // A daemon must not keep a file system mounted.
    if (::chdir("/") != 0) fail("chdir /");
    leave_terminal();
    // The waiting process may have been killed (SIGPIPE is ignored in the parent).
    [[maybe_unused]] const ssize_t written = ::write(report_.get(), &is_ready, 1);
    report_.reset();
}

}  // namespace process
