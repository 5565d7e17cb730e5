#include "libudpserver/process/log_health.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using process::LogHealth;

TEST_CASE("LOG hangs when lines wait and it does not read for three seconds [E-6][G-11]") {
    LogHealth health;
    base::Instant now{1h};
    health.look(false, 7, 0, now);
    health.look(true, 7, 0, now);
    health.look(true, 7, 0, now += 2s);
    CHECK(health.fault(0, true, now).empty());
    SECTION("it goes on") {
        health.look(true, 7, 0, now += 2s);
        CHECK_THAT(health.fault(0, true, now), Contains("hangs: it has written nothing for 4s"));
        health.look(true, 8, 0, now += 1s);
    }
    SECTION("it reads again") {
        health.look(true, 8, 0, now += 2s);
    }
    SECTION("nothing waits: it is idle") {
        health.look(false, 7, 0, now += 2s);
        health.look(false, 7, 0, now += 1h);
    }
    CHECK(health.fault(0, true, now).empty());
}

TEST_CASE("lost lines are a fault for ten seconds, with the error if there was one [E-6][G-11]") {
    LogHealth health;
    base::Instant now{1h};
    health.look(false, 1, 5, now);
    CHECK(health.fault(ENOSPC, true, now) == "lines are lost: No space left on device");
    CHECK(health.fault(0, true, now) == "lines are lost: too many at once");
    CHECK(health.fault(ENOSPC, false, now).empty());
    health.look(false, 2, 5, now += 11s);
    CHECK(health.fault(ENOSPC, true, now).empty());
    CHECK(health.lost_at() == now - 11s);
    health.look(false, 2, 6, now);
    CHECK_FALSE(health.fault(ENOSPC, true, now).empty());
}
