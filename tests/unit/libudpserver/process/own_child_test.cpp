#include "libudpserver/process/own_child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

using process::may_be_child;

TEST_CASE("a child is one until it has exited, and after that, too [Z-14]") {
    const pid_t pid = ::fork();
    if (pid == 0)
        for (;;)
            ::pause();
    CHECK(may_be_child(pid));
    ::kill(pid, SIGKILL);
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    CHECK(may_be_child(pid));
    REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    CHECK(may_be_child(pid));
}

TEST_CASE("other programs are no children [Z-14]") {
    CHECK_FALSE(may_be_child(::getpid()));
    CHECK_FALSE(may_be_child(::getppid()));
    CHECK_FALSE(may_be_child(1));
    CHECK_FALSE(may_be_child(0));
}
