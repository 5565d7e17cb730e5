#include "proxyd/ceiling.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

TEST_CASE("the ceiling of new sessions is sockets by quarantine [S-5]") {
    const net::PoolGroup group{base::Family::v4, base::Address::any(base::Family::v4), {}};
    CHECK(proxyd::ceiling_text("sockets", group, 21024, 30s) ==
          "server-side sockets of IPv4: at most 21024, so 700 new sessions per second with a quarantine of "
          "30s, and 4204 if it is shortened to 5s");
    CHECK(proxyd::ceiling_text("sockets", group, 100, 5s) ==
          "server-side sockets of IPv4: at most 100, so 20 new sessions per second with a quarantine of 5s");
    CHECK(proxyd::ceiling_text("sockets", group, 100, 0s) ==
          "server-side sockets of IPv4: at most 100, and no quarantine limits new sessions");
}
