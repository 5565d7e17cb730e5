#include "base/log_budget.hpp"

#include <catch2/catch.hpp>

using namespace base;
using namespace std::chrono_literals;

namespace {

const Instant start{5'000'000ms};
constexpr Message two_a_second{"TEST-110-N", 2, "", ""};
constexpr Message other{"TEST-120-N", 1, "", ""};
constexpr Message unbounded{"TEST-888-I", 0, "", ""};

int passes(log::Budget& budget, const Message& message, Instant now, int wanted) {
    int passed = 0;
    for (int i = 0; i < wanted; ++i)
        passed += budget.ask(message, now).pass ? 1 : 0;
    return passed;
}

}  // namespace

TEST_CASE("an id may write its budget a second, five times that at once [K-65]") {
    log::Budget budget;
    CHECK(passes(budget, two_a_second, start, 100) == 10);
    CHECK(passes(budget, two_a_second, start + 499ms, 10) == 0);
    CHECK(passes(budget, two_a_second, start + 1s, 10) == 2);
}

TEST_CASE("the next line that passes tells how many did not") {
    log::Budget budget;
    REQUIRE(passes(budget, two_a_second, start, 110) == 10);
    auto verdict = budget.ask(two_a_second, start + 600ms);
    CHECK(verdict.pass);
    CHECK(verdict.suppressed == 100);
    verdict = budget.ask(two_a_second, start + 1200ms);
    CHECK(verdict.pass);
    CHECK(verdict.suppressed == 0);
}

TEST_CASE("ids do not share a budget, and 0 is no bound") {
    log::Budget budget;
    REQUIRE(passes(budget, two_a_second, start, 100) == 10);
    CHECK(passes(budget, other, start, 100) == 5);
    CHECK(passes(budget, unbounded, start, 1000) == 1000);
}

TEST_CASE("a reset fills all budgets and forgets what was suppressed") {
    log::Budget budget;
    REQUIRE(passes(budget, two_a_second, start, 100) == 10);
    budget.reset();
    const auto verdict = budget.ask(two_a_second, start);
    CHECK(verdict.pass);
    CHECK(verdict.suppressed == 0);
}
