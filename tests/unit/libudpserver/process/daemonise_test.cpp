#include "libudpserver/process/daemonise.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>

#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

struct Started {
    int status = 0;      ///< of the process that waits for the daemon
    std::string errors;  ///< what it wrote to stderr
};

/// Forks the process that a user starts; `body` runs in its daemon. The test is the parent of all of them.
Started start(const TempFolder& folder, const std::function<void(Daemon&)>& body) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const std::string path = folder.path + "/stderr";
    const pid_t pid = ::fork();
    if (pid == 0) {
        const base::UniqueFd errors(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
        ::dup2(errors.get(), STDERR_FILENO);
        for (int fault : {SIGSEGV, SIGTERM})
            std::signal(fault, SIG_DFL);
        Daemon daemon = Daemon::detach();
        body(daemon);
        ::_exit(0);
    }
    const int status = wait_for(pid);
    return {status, read_text(path)};
}

void reap_daemon() {
    ::waitpid(-1, nullptr, 0);
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

}  // namespace

TEST_CASE("who starts a daemon gets 0 when it serves, and not before [O-14]") {
    TempFolder folder;
    auto* board = static_cast<Board*>(
        ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const auto started = start(folder, [&](Daemon& daemon) {
        board->value = 1;
        daemon.report_ready();
        daemon.report_ready();
    });
    CHECK(started.status == 0);
    CHECK(started.errors.empty());
    CHECK(board->value == 1);
    reap_daemon();
    ::munmap(board, sizeof(Board));
}

TEST_CASE("a daemon leaves terminal and folder only when it reports [O-14]") {
    TempFolder folder;
    const auto started = start(folder, [&](Daemon& daemon) {
        const std::string here = std::filesystem::current_path();
        bool right = ::getsid(0) == ::getpid() && ::write(STDERR_FILENO, "before\n", 7) == 7;
        daemon.report_ready();
        right = right && here != "/" && std::filesystem::current_path() == "/";
        for (const char* fd : {"0", "1", "2"})
            right = right && std::filesystem::read_symlink(std::string("/proc/self/fd/") + fd) == "/dev/null";
        std::ofstream(folder.path + "/result") << (right ? "right" : "wrong");
    });
    CHECK(started.status == 0);
    CHECK(started.errors == "before\n");
    reap_daemon();
    CHECK(read_text(folder.path + "/result") == "right");
}

TEST_CASE("who starts a daemon that cannot start gets its exit status and a message [O-14]") {
    TempFolder folder;
    CHECK(start(folder, [](Daemon&) { ::_exit(1); }).status == 1);
    const auto wrong_usage = start(folder, [](Daemon&) { ::_exit(2); });
    CHECK(wrong_usage.status == 2);
    CHECK_THAT(wrong_usage.errors, Contains("start failed") && Contains("exit status 2"));
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("a daemon that ends without a word has failed, also with exit status 0 [O-14]") {
    TempFolder folder;
    CHECK(start(folder, [](Daemon&) { ::_exit(0); }).status == 1);
    const auto crashed = start(folder, [](Daemon&) { ::raise(SIGKILL); });
    CHECK(crashed.status == 1);
    CHECK_THAT(crashed.errors, Contains("signal 9 (Killed)"));
    ::prctl(PR_SET_CHILD_SUBREAPER, 0);
}

TEST_CASE("in the foreground a report changes nothing") {
    const auto here = std::filesystem::current_path();
    Daemon foreground;
    foreground.report_ready();
    CHECK(std::filesystem::current_path() == here);
}
