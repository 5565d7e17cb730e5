#include "libudpserver/process/restart_policy.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace process;
using namespace std::chrono_literals;

namespace {

Instant at(Duration since_start) {
    return Instant(since_start + 1h);
}

std::vector<Duration> delays_before_ready(RestartPolicy& policy, int deaths) {
    std::vector<Duration> delays;
    for (int i = 0; i < deaths; ++i)
        delays.push_back(policy.died(at(i * 1s), std::nullopt));
    return delays;
}

}  // namespace

TEST_CASE("a resolver that dies early waits 1 s, doubling to 30 s [O-12]") {
    RestartPolicy policy(resolving_speed);
    CHECK(delays_before_ready(policy, 8) == std::vector<Duration>{1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s});
}

TEST_CASE("a resolver is restarted at once after a good run, and then starts over [O-12]") {
    RestartPolicy policy(resolving_speed);
    delays_before_ready(policy, 4);
    CHECK(policy.died(at(100s), at(90s)) == 0s);
    CHECK(policy.died(at(101s), std::nullopt) == 1s);
}

TEST_CASE("a good run of a resolver lasts 10 s from its ready message") {
    RestartPolicy policy(resolving_speed);
    CHECK(policy.died(at(10'000ms), at(1ms)) == 1s);
    CHECK(policy.died(at(10'000ms), at(0ms)) == 0s);
}

TEST_CASE("REG is replaced at once when it had become ready at all") {
    RestartPolicy policy(forwarding_speed);
    for (int i = 0; i < 20; ++i)
        CHECK(policy.died(at(i * 1s), at(i * 1s)) == 0s);
}

TEST_CASE("REG that dies before it is ready does not spin: 100 ms doubling to 5 s") {
    RestartPolicy policy(forwarding_speed);
    CHECK(delays_before_ready(policy, 8) ==
          std::vector<Duration>{100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5s, 5s});
    CHECK(policy.died(at(60s), at(60s)) == 0s);
    CHECK(policy.died(at(61s), std::nullopt) == 100ms);
}

TEST_CASE("twenty crashes of REG at its start take at least a minute") {
    RestartPolicy policy(forwarding_speed);
    Duration total{0};
    for (const Duration delay : delays_before_ready(policy, 20))
        total += delay;
    CHECK(total >= 1min);
}

TEST_CASE("a first delay above the longest is the longest") {
    RestartPolicy policy({10s, 8s, 8s});
    CHECK(delays_before_ready(policy, 3) == std::vector<Duration>{8s, 8s, 8s});
}

TEST_CASE("one death more than the count within the time is a crash loop [K-5]") {
    CrashLoop loop({3, 60s});
    CHECK_FALSE(loop.add(at(0s)));
    CHECK_FALSE(loop.add(at(1s)));
    CHECK_FALSE(loop.add(at(2s)));
    CHECK(loop.add(at(60s)));  // the first is exactly 60 s old: still within
}

TEST_CASE("deaths that are old enough are forgotten [K-5]") {
    CrashLoop loop({3, 60s});
    loop.add(at(0s));
    loop.add(at(1s));
    loop.add(at(2s));
    CHECK_FALSE(loop.add(at(60s + 1ms)));
    CHECK(loop.add(at(60s + 2ms)));
}

TEST_CASE("a steady trickle of deaths below the rate never is a crash loop [K-5]") {
    CrashLoop loop({5, 60s});
    for (int i = 0; i < 1000; ++i)
        REQUIRE_FALSE(loop.add(at(i * 12'001ms)));
}

TEST_CASE("with a count of 0 the first death is one too many") {
    CrashLoop loop({0, 60s});
    CHECK(loop.add(at(0s)));
}

TEST_CASE("deaths at the same instant are all counted") {
    CrashLoop loop({2, 0s});
    CHECK_FALSE(loop.add(at(0s)));
    CHECK_FALSE(loop.add(at(0s)));
    CHECK(loop.add(at(0s)));
}

TEST_CASE("in a crash loop restarts wait 1 s, doubling to 30 s, until it ends [E-2]") {
    CrashLoop loop({2, 60s});
    std::vector<Duration> delays;
    for (int i = 0; i < 9; ++i) {
        // It begins once, and lasts although the exits become rare.
        CHECK(loop.add(at(i * (i < 3 ? 1s : 50s))) == (i == 2));
        CHECK(loop.is_on() == (i >= 2));
        delays.push_back(loop.delay());
    }
    CHECK(delays == std::vector<Duration>{0s, 0s, 1s, 2s, 4s, 8s, 16s, 30s, 30s});
    loop.end();
    CHECK_FALSE(loop.is_on());
    CHECK_FALSE(loop.add(at(600s)));
    CHECK(loop.delay() == 0s);
}
