#include "libudpserver/process/exit_status.hpp"

#include <catch2/catch.hpp>
#include <csignal>

using namespace process;
using namespace std::chrono_literals;
using base::Instant;

namespace {

// As waitpid lays a status out on Linux.
ExitStatus exited(int status) {
    return {status << 8, false};
}
ExitStatus killed(int signal, bool hung = false) {
    return {signal, hung};
}
ExitStatus dumped(int signal) {
    return {signal | 0x80, false};
}

const Instant ready{1h};

}  // namespace

TEST_CASE("whose fault an end was") {
    for (int signal : {SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGTRAP}) {
        CHECK(killed(signal).is_own_fault());
        CHECK(killed(signal).has_crashed());
        CHECK(dumped(signal).has_crashed());
    }
    for (int signal : {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGALRM}) {
        CHECK_FALSE(killed(signal).is_own_fault());
        CHECK_FALSE(killed(signal).has_crashed());
    }
    CHECK_FALSE(exited(0).is_own_fault());
    CHECK(exited(1).is_own_fault());
    CHECK(exited(255).is_own_fault());
    CHECK_FALSE(exited(1).has_crashed());
    CHECK(killed(SIGKILL, true).is_own_fault());
    CHECK(killed(SIGKILL, true).has_crashed());
}

TEST_CASE("an end has words") {
    CHECK(to_string(exited(0)) == "exit status 0");
    CHECK(to_string(exited(3)) == "exit status 3");
    CHECK(to_string(killed(SIGKILL)) == "signal 9 (Killed)");
    CHECK(to_string(dumped(SIGSEGV)) == "signal 11 (Segmentation fault)");
    CHECK(to_string(killed(SIGABRT, true)) == "signal 6 (Aborted) after no heartbeat");
}

TEST_CASE("ten faults in a row within 10 s of adopting make the next one start afresh [E-2]") {
    for (const auto& fault : {killed(SIGSEGV), exited(1), killed(SIGKILL, true)}) {
        ArenaTrust soon, late;
        soon.died(ready, ready, fault);  // the first REG adopted nothing
        late.died(ready, ready, fault);
        for (int i = 0; i < 10; ++i) {
            CHECK_FALSE(soon.is_poisoned());
            soon.died(ready + 10s, ready, fault);
            late.died(i == 5 ? ready + 10s + 1ms : ready, ready, fault);
        }
        CHECK(soon.is_poisoned());
        CHECK_FALSE(late.is_poisoned());
    }
}

TEST_CASE("a child that leaves its work has not finished it, and is not at fault [E-11]") {
    CHECK(exited(0).is_finished());
    CHECK_FALSE(exited(work_left).is_finished());
    CHECK_FALSE(exited(work_left).is_own_fault());
    CHECK_FALSE(exited(1).is_finished());
    CHECK_FALSE(killed(SIGKILL).is_finished());
    CHECK(to_string(exited(work_left)) == "exit status 10 (its work is left to the next one)");
}

TEST_CASE("an end from outside is no proof against the arena, however often it comes") {
    ArenaTrust trust;
    for (const auto& end : {killed(SIGKILL), killed(SIGTERM), exited(0)})
        for (int i = 0; i < 10; ++i) {
            trust.died(ready + 1ms, ready, end);
            CHECK_FALSE(trust.is_poisoned());
            trust.died(ready, std::nullopt, end);
            CHECK_FALSE(trust.is_poisoned());
        }
}

TEST_CASE("two crashes before ready poison the arena, one does not") {
    ArenaTrust trust;
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    CHECK_FALSE(trust.is_poisoned());
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    CHECK(trust.is_poisoned());
}

TEST_CASE("an exit before ready says nothing about the arena: the cause may be a missing resource") {
    ArenaTrust trust;
    for (int i = 0; i < 10; ++i)
        trust.died(ready, std::nullopt, exited(1));
    CHECK_FALSE(trust.is_poisoned());
}

TEST_CASE("a child that became ready ends the suspicion") {
    ArenaTrust trust;
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    trust.died(ready + 1s, ready, killed(SIGKILL));
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    CHECK_FALSE(trust.is_poisoned());
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    REQUIRE(trust.is_poisoned());
    trust.died(ready + 20s, ready, exited(0));
    CHECK_FALSE(trust.is_poisoned());
}

TEST_CASE("a child that was to start afresh and was killed before it could leaves the arena poisoned") {
    ArenaTrust trust;
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    trust.died(ready, std::nullopt, killed(SIGSEGV));
    trust.died(ready, std::nullopt, killed(SIGKILL));
    CHECK(trust.is_poisoned());
}
