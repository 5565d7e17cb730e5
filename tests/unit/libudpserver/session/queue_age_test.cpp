#include "libudpserver/session/queue_age.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using session::QueueAge;

namespace {

const base::Instant start{1h};

}  // namespace

TEST_CASE("nothing that is read within the limit after an empty buffer can be too old [B-4]") {
    QueueAge age(1s);
    age.seen_empty(start);
    CHECK_FALSE(age.may_be_over(start + 1s));
    // Whatever the wall clock says: it was set.
    CHECK_FALSE(age.is_over(5s, start + 1s));
}

TEST_CASE("after a pause the age decides [B-4]") {
    QueueAge age(1s);
    age.seen_empty(start);
    REQUIRE(age.may_be_over(start + 3s));
    CHECK(age.is_over(2999ms, start + 3s));
    CHECK(age.is_over(1001ms, start + 3s));
    CHECK_FALSE(age.is_over(1000ms, start + 3s));
    CHECK_FALSE(age.is_over(0ms, start + 3s));
}

TEST_CASE("an age that the wall clock made up drops nothing [B-4]") {
    QueueAge age(1s);
    age.seen_empty(start);
    CHECK_FALSE(age.is_over(-2s, start + 3s));
    CHECK_FALSE(age.is_over(3600s, start + 3s));
    // A new process knows no empty buffer yet.
    const QueueAge next(1s);
    CHECK(next.is_over(5s, start));
    CHECK_FALSE(next.is_over(500ms, start));
    CHECK_FALSE(next.is_over(24h, start));
}

TEST_CASE("without a limit no age is over it [B-4]") {
    const QueueAge age(0s);
    CHECK_FALSE(age.may_be_over(start));
    CHECK_FALSE(age.is_over(5s, start));
}
