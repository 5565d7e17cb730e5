#include "proxyd/pool_service.hpp"

#include <catch2/catch.hpp>
#include <cerrno>

using namespace std::chrono_literals;
using proxyd::PoolLimit;

TEST_CASE("a REG can ask for sockets 1,000 times a second [E-7]") {
    PoolLimit limit;
    const base::Instant now{1h};
    int served = 0;
    for (int i = 0; i < 5'000; ++i)
        served += limit.check(0, now + base::Duration(i / 5)) == 0;
    CHECK(served >= 1'000);
    CHECK(served <= 1'000 + 256);
}

TEST_CASE("ports that are all in use are not searched again for a second [E-7]") {
    PoolLimit limit;
    const base::Instant now{1h};
    limit.exhausted(3, now);
    CHECK(limit.check(3, now + 999ms) == EADDRINUSE);
    CHECK(limit.check(2, now) == 0);
    CHECK(limit.check(3, now + 1s) == 0);
}
