#include "base/token_bucket.hpp"

#include <limits>

#include <catch2/catch.hpp>

using namespace base;
using namespace std::chrono_literals;

namespace {

const Instant start{1'000'000ms};

int takes(TokenBucket& bucket, Rate rate, Instant now, int wanted) {
    int taken = 0;
    for (int i = 0; i < wanted; ++i)
        taken += bucket.take(rate, now) ? 1 : 0;
    return taken;
}

}  // namespace

TEST_CASE("a fresh bucket gives its burst and no more") {
    TokenBucket bucket;
    CHECK(takes(bucket, {10, 50}, start, 100) == 50);
    CHECK(takes(bucket, {10, 50}, start, 100) == 0);
}

TEST_CASE("tokens come back at the rate, up to the burst") {
    TokenBucket bucket;
    const Rate rate{10, 5};
    REQUIRE(takes(bucket, rate, start, 10) == 5);
    CHECK(takes(bucket, rate, start + 99ms, 10) == 0);
    CHECK(takes(bucket, rate, start + 100ms, 10) == 1);
    CHECK(takes(bucket, rate, start + 400ms, 10) == 3);
    CHECK(takes(bucket, rate, start + 1h, 10) == 5);
}

TEST_CASE("over a long time a bucket gives exactly its rate") {
    TokenBucket bucket;
    const Rate rate{7, 7};
    int taken = takes(bucket, rate, start, 100);
    for (auto now = start; now < start + 100s; now += 10ms)
        taken += takes(bucket, rate, now, 3);
    CHECK(taken >= 7 + 699);
    CHECK(taken <= 7 + 700);
}

TEST_CASE("corner cases of rates") {
    TokenBucket bucket;
    CHECK(takes(bucket, {0, 0}, start, 1000) == 1000);  // 0: no bound
    CHECK(bucket.full(start));
    CHECK(takes(bucket, {1, 0}, start, 10) == 1);  // a burst of nothing would never give anything
    CHECK_FALSE(bucket.full(start + 999ms));
    CHECK(bucket.full(start + 1s));

    TokenBucket fast;
    const auto most = std::numeric_limits<std::uint32_t>::max();
    CHECK(takes(fast, {most, most}, start, 1000) == 1000);
    TokenBucket deep;
    CHECK(takes(deep, {1, most}, start, 1000) == 1000);
}

TEST_CASE("a clock that goes back makes no tokens") {
    TokenBucket bucket;
    REQUIRE(takes(bucket, {1, 3}, start, 10) == 3);
    CHECK(takes(bucket, {1, 3}, start - 1h, 10) == 0);
}
