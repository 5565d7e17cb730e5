#include "libudpserver/process/log_health.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using process::LogHealth;

TEST_CASE("LOG hangs when lines wait and it does not read for three seconds [E-6][G-11]") {
    LogHealth health;
    base::Instant now{1h};
    health.look(false, 7, 0, 0, now);
    health.look(true, 7, 0, 0, now);
    health.look(true, 7, 0, 0, now += 2s);
    CHECK(health.fault(true, now).empty());
    SECTION("it goes on") {
        health.look(true, 7, 0, 0, now += 2s);
        CHECK_THAT(health.fault(true, now), Contains("hangs: it has written nothing for 4s"));
        health.look(true, 8, 0, 0, now += 1s);
    }
    SECTION("it reads again") {
        health.look(true, 8, 0, 0, now += 2s);
    }
    SECTION("nothing waits: it is idle") {
        health.look(false, 7, 0, 0, now += 2s);
        health.look(false, 7, 0, 0, now += 1h);
    }
    CHECK(health.fault(true, now).empty());
}

TEST_CASE("lost lines are a fault for ten seconds, with the error if there was one [E-6][G-11]") {
    LogHealth health;
    base::Instant now{1h};
    health.look(false, 1, 5, ENOSPC, now);
    CHECK(health.fault(true, now) == "lines are lost: No space left on device");
    CHECK(health.fault(false, now).empty());
    // A new LOG counts the last of them, and has seen no error.
    health.look(false, 2, 6, 0, now += 1s);
    CHECK(health.fault(true, now) == "lines are lost: No space left on device");
    health.look(false, 2, 6, 0, now += 11s);
    CHECK(health.fault(true, now).empty());
    CHECK(health.lost_at() == now - 11s);
    health.look(false, 3, 7, 0, now);
    CHECK(health.fault(true, now) == "lines are lost: too many at once");
    health.look(false, 3, 8, EIO, now);
    CHECK(health.fault(true, now) == "lines are lost: Input/output error");
}
