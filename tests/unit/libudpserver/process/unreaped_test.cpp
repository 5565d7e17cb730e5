#include "libudpserver/process/unreaped.hpp"

#include <chrono>
#include <fstream>

#include "libudpserver/process/tried_program.hpp"
#include "tests/support/process_fixture.hpp"
#include "tests/support/unkillable.hpp"

using process::Unreaped;

namespace {

pid_t sleeper() {
    const pid_t pid = ::fork();
    if (pid == 0)
        for (;;)
            ::pause();
    return pid;
}

bool is_alive(pid_t pid) {
    std::string name, state;
    std::ifstream("/proc/" + std::to_string(pid) + "/stat") >> pid >> name >> state;
    return !state.empty() && state != "Z" && state != "X";
}

/// 0: none yet.
pid_t child_of(pid_t pid) {
    const std::string number = std::to_string(pid);
    pid_t child = 0;
    std::ifstream("/proc/" + number + "/task/" + number + "/children") >> child;
    return child;
}

template <typename Condition>
void until(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i)
        ::poll(nullptr, 0, 5);
    REQUIRE(condition());
}

}  // namespace

TEST_CASE("a process that is killed is reaped at once, with its status") {
    Unreaped unreaped;
    CHECK(WTERMSIG(unreaped.kill(sleeper())) == SIGKILL);
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(3);
    until([&] { return !is_alive(pid); });
    CHECK(WEXITSTATUS(unreaped.kill(pid)) == 3);
    CHECK(unreaped.size() == 0);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a process that cannot be killed is not waited for, and reaped later [E-6]") {
    Unreaped unreaped;
    const pid_t pid = sleeper();
    Unkillable held(pid);
    if (!held.is_held()) {
        WARN("this user may not trace");
        return;
    }
    const auto before = std::chrono::steady_clock::now();
    CHECK(WTERMSIG(unreaped.kill(pid)) == SIGKILL);
    CHECK(std::chrono::steady_clock::now() - before < 2s);
    unreaped.reap();
    CHECK(unreaped.size() == 1);
    held.release();
    until([&] {
        unreaped.reap();
        return unreaped.size() == 0;
    });
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a program on trial that cannot be killed blocks nothing, and its children are killed [E-6]") {
    Unreaped unreaped;
    boost::asio::io_context io;
    process::TriedProgram program(
        io, {"/bin/sh", {"sh", "-c", "sleep 1000 & wait"}, {}, {}, "SOCKET"},
        {.on_word = [](const std::string&) {}, .on_exit = [](const process::ExitStatus&) { FAIL(); }},
        unreaped);
    const pid_t pid = program.pid();
    until([&] { return child_of(pid) != 0; });
    const pid_t child = child_of(pid);
    Unkillable held(pid);
    if (!held.is_held()) {
        WARN("this user may not trace");
        return;
    }
    const auto before = std::chrono::steady_clock::now();
    program.end();
    CHECK(std::chrono::steady_clock::now() - before < 2s);
    until([&] { return !is_alive(child); });
    CHECK(is_alive(pid));
    CHECK(unreaped.size() == 1);
    io.run_for(10ms);
    held.release();
    until([&] {
        unreaped.reap();
        return unreaped.size() == 0;
    });
}
