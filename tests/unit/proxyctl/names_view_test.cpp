#include "proxyctl/names_view.hpp"

#include <catch2/catch.hpp>

using namespace proxyctl;

TEST_CASE("a name is told by its state, and its last trouble by its age [K-70]") {
    const Row resolved({{"name", Value::of("a.test")},
                        {"state", Value::of("resolved")},
                        {"known", Value::of(true)},
                        {"expires_ms", Value::of(std::int64_t{61'000})},
                        {"stale", Value::of(false)}});
    const Row failed({{"name", Value::of("b.test")},
                      {"state", Value::of("failed")},
                      {"known", Value::of(true)},
                      {"last_error", Value::of("timed out\n")},
                      {"last_error_ago_ms", Value::of(std::int64_t{192'000})}});
    const Row asked({{"name", Value::of("c.test")}, {"state", Value::of("asked")}});
    const auto lines = names_table({resolved, failed, asked}).lines();
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].text == "NAME    STATE     EXPIRES  ADDRESSES  LAST TROUBLE");
    CHECK(lines[1].text == "a.test  resolved    1m01s  -          -");
    CHECK(lines[2].text == "b.test  failed          -  -          3m12s ago: timed out\\n");
    CHECK(lines[3].text == "c.test  asked           -  -          -");
    CHECK(lines[1].tone == Tone::good);
    CHECK(lines[2].tone == Tone::bad);
    CHECK(lines[3].tone == Tone::plain);
}

TEST_CASE("a trouble without an age is told without one") {
    CHECK(last_trouble(Row({{"last_error", Value::of("timed out")}})) == "timed out");
    CHECK(last_trouble(Row(Fields{})).empty());
}
