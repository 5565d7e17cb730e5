#include "libudpserver/policy/host_list.hpp"

#include <catch2/catch.hpp>

using namespace policy;

namespace {

constexpr Match all[] = {Match::no, Match::needs_client_names, Match::needs_names, Match::yes};

}  // namespace

TEST_CASE("the logic of certain answers is that of bool") {
    for (const Match a : {Match::no, Match::yes}) {
        CHECK(inverse(a) == (a == Match::no ? Match::yes : Match::no));
        for (const Match b : {Match::no, Match::yes}) {
            CHECK((either(a, b) == Match::yes) == (a == Match::yes || b == Match::yes));
            CHECK((both(a, b) == Match::yes) == (a == Match::yes && b == Match::yes));
            CHECK_FALSE(undecided(either(a, b)));
            CHECK_FALSE(undecided(both(a, b)));
        }
    }
}

TEST_CASE("a certain answer that is enough never waits for one that is not resolved yet") {
    for (const Match other : all) {
        CHECK(either(Match::yes, other) == Match::yes);
        CHECK(either(Match::no, other) == other);
        CHECK(both(Match::no, other) == Match::no);
        CHECK(both(Match::yes, other) == other);
        CHECK(inverse(inverse(other)) == other);
        CHECK(undecided(inverse(other)) == undecided(other));
        for (const Match another : all) {
            CHECK(either(other, another) == either(another, other));
            CHECK(both(other, another) == both(another, other));
        }
    }
}

TEST_CASE("configured names are awaited before the client is looked up [K-63]") {
    CHECK(either(Match::needs_client_names, Match::needs_names) == Match::needs_names);
    CHECK(both(Match::needs_client_names, Match::needs_names) == Match::needs_names);
}
