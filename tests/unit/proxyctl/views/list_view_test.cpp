#include "proxyctl/views/list_view.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/failure.hpp"

using namespace proxyctl;

namespace {

Row session(const std::string& id, const std::string& client, std::int64_t idle) {
    return Row(
        {{"id", id}, {"client", client}, {"idle_ms", idle}, {"created_ms", idle}, {"answered", idle > 5}});
}

std::string order(std::vector<Row> rows, const std::string& key) {
    sort_rows(rows, key);
    std::string ids;
    for (const Row& row : rows)
        ids += row.text("id");
    return ids;
}

const std::vector<Row> some = {session("a", "10.0.0.10:53", 5), session("b", "10.0.0.9:53", 7),
                               session("c", "10.0.0.9:7", 5), session("d", "[2001:db8::1]:53", 100)};

}  // namespace

TEST_CASE("numbers are sorted in descending order, and the sort is stable [K-70]") {
    CHECK(order(some, "idle") == "dbac");
    CHECK(order(some, "-idle_ms") == "acbd");
    CHECK(order(some, "AGE") == "dbac");
}

TEST_CASE("addresses are sorted as addresses, texts as texts") {
    CHECK(order(some, "client") == "cbad");
    CHECK(order(some, "-client") == "dabc");
    CHECK(order(some, "-id") == "dcba");
    CHECK(order(some, "answered") == "acbd");
}

TEST_CASE("rows without the field, or with another type of it, can be sorted") {
    std::vector<Row> rows = some;
    rows.push_back(Row(Fields{{"id", "e"}}));
    rows.push_back(Row({{"id", "f"}, {"idle_ms", "soon"}}));
    rows.push_back(Row({{"id", "g"}, {"client", Value()}}));
    CHECK(order(rows, "idle").size() == 7);
    CHECK(order(rows, "idle").starts_with("db"));
    CHECK(order(rows, "client").size() == 7);
}

TEST_CASE("the error about an unknown key lists the fields") {
    std::vector<Row> rows = some;
    CHECK_THROWS_WITH(sort_rows(rows, "speed"),
                      Catch::Contains("unknown session field 'speed'") && Catch::Contains("id, client"));
    CHECK_THROWS_AS(sort_rows(rows, ""), Failure);
    CHECK_THROWS_AS(sort_rows(rows, "-"), Failure);
    rows.clear();
    CHECK_NOTHROW(sort_rows(rows, "speed"));
}

TEST_CASE("columns are chosen by name, with or without the unit") {
    const Columns columns = parse_columns("client,IDLE,age", some.front());
    REQUIRE(columns.size() == 3);
    CHECK(columns[1].name == "idle_ms");
    CHECK(columns[1].title == "IDLE");
    CHECK(columns[2].name == "created_ms");
    for (const char* text : {"", ",", "id,", "id,,client", "id,x"})
        CHECK_THROWS_AS(parse_columns(text, some.front()), Failure);
}
TEST_CASE("names have their state and the age of their last error [K-70]") {
    const Row resolved({{"name", "a.test"},
                        {"state", "resolved"},
                        {"known", true},
                        {"expires_ms", std::int64_t{61'000}},
                        {"stale", false}});
    const Row failed({{"name", "b.test"},
                      {"state", "failed"},
                      {"known", true},
                      {"last_error", "timed out\n"},
                      {"last_error_ago_ms", std::int64_t{192'000}}});
    const Row asked({{"name", "c.test"}, {"state", "asked"}});
    const auto lines = names_table({resolved, failed, asked}).lines();
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].text == "NAME    STATE     EXPIRES  ADDRESSES  LAST ERROR");
    CHECK(lines[1].text == "a.test  resolved    1m01s  -          -");
    CHECK(lines[2].text == "b.test  failed          -  -          3m12s ago: timed out\\n");
    CHECK(lines[3].text == "c.test  asked           -  -          -");
    CHECK(lines[1].tone == Tone::good);
    CHECK(lines[2].tone == Tone::bad);
    CHECK(lines[3].tone == Tone::plain);
}

TEST_CASE("an error without an age is shown alone") {
    CHECK(last_error(Row(Fields{{"last_error", "timed out"}})) == "timed out");
    CHECK(last_error(Row(Fields{})).empty());
}

TEST_CASE("only counters that did not shrink have rates") {
    const Row before({{"sessions", std::int64_t{5}},
                      {"datagrams", std::int64_t{100}},
                      {"uptime_ms", std::int64_t{1}},
                      {"name", "gw"}});
    const Row now({{"sessions", std::int64_t{4}},
                   {"datagrams", std::int64_t{300}},
                   {"uptime_ms", std::int64_t{2001}},
                   {"name", "gw"},
                   {"new", std::int64_t{7}}});
    const auto rates = rates_between(before, now, std::chrono::seconds(2));
    REQUIRE(rates.size() == 5);
    CHECK_FALSE(rates[0]);
    CHECK(rates[1] == 100.0);
    for (const std::size_t without : {2u, 3u, 4u})
        CHECK_FALSE(rates[without]);
    CHECK_FALSE(rates_between(before, now, base::Duration(0))[1]);
}
