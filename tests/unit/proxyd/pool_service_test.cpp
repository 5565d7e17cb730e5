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

TEST_CASE("sockets that REG does not get leave the pool") {
    const base::Address any = *base::parse_address("0.0.0.0");
    net::SocketPool pool({{any.family, any, conf::PortRange{21000, 21999}}}, 64);
    const auto first = pool.grow(0, 0, 4);
    REQUIRE(first.count == 4);
    for (const auto result : {ipc::SendResult::busy, ipc::SendResult::closed, ipc::SendResult::refused}) {
        auto chunk = pool.grow(0, 0, 8);
        REQUIRE(chunk.count == 8);
        proxyd::keep_if_sent(pool, chunk, result);
        CHECK(pool.sockets().size() == 4);
        CHECK(chunk.count == 0);
        CHECK(chunk.error == EAGAIN);
    }
    for (const auto result : {ipc::SendResult::sent, ipc::SendResult::queued}) {
        auto chunk = pool.grow(0, 0, 8);
        proxyd::keep_if_sent(pool, chunk, result);
        CHECK(chunk.count == 8);
    }
    CHECK(pool.sockets().size() == 20);
}

TEST_CASE("ports that are all in use are not searched again for a second [E-7]") {
    PoolLimit limit;
    const base::Instant now{1h};
    limit.exhausted(3, now);
    CHECK(limit.check(3, now + 999ms) == EADDRINUSE);
    CHECK(limit.check(2, now) == 0);
    CHECK(limit.check(3, now + 1s) == 0);
}
