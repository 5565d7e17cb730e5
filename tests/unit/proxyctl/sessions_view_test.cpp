#include "proxyctl/sessions_view.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/failure.hpp"

using namespace proxyctl;

namespace {

Row session(const std::string& id, const std::string& client, std::int64_t idle) {
    return Row({{"id", Value::of(id)},
                {"client", Value::of(client)},
                {"idle_ms", Value::of(idle)},
                {"created_ms", Value::of(idle)},
                {"answered", Value::of(idle > 5)}});
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

TEST_CASE("numbers are sorted from the largest, and equal ones keep their order [K-70]") {
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

TEST_CASE("rows that lack the field, or have another kind of it, are sorted somewhere") {
    std::vector<Row> rows = some;
    rows.push_back(Row({{"id", Value::of("e")}}));
    rows.push_back(Row({{"id", Value::of("f")}, {"idle_ms", Value::of("soon")}}));
    rows.push_back(Row({{"id", Value::of("g")}, {"client", Value()}}));
    CHECK(order(rows, "idle").size() == 7);
    CHECK(order(rows, "idle").starts_with("db"));
    CHECK(order(rows, "client").size() == 7);
}

TEST_CASE("an unknown key is refused with those that there are") {
    std::vector<Row> rows = some;
    CHECK_THROWS_WITH(sort_rows(rows, "speed"),
                      Catch::Contains("'speed' is no field") && Catch::Contains("id, client"));
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
