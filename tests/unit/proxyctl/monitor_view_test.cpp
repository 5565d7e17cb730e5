#include "proxyctl/monitor_view.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/health_commands.hpp"
#include "proxyctl/human.hpp"

using namespace proxyctl;

namespace {

Row session(const std::string& id, std::int64_t up, std::int64_t down) {
    return Row({{"id", Value::of(id)},
                {"client", Value::of("10.0.0.1:1")},
                {"client_bytes", Value::of(up)},
                {"server_bytes", Value::of(down)}});
}

double number(const Row& row, const char* name) {
    REQUIRE(row.find(name) != nullptr);
    return row.find(name)->number();
}

const base::Instant start{std::chrono::seconds(1000)};

}  // namespace

TEST_CASE("speeds are differences between two pictures [K-70]") {
    SessionSpeeds speeds;
    std::vector<Row> rows{session("1.1", 1000, 50)};
    speeds.add_to(rows, start);
    CHECK(number(rows[0], "up_bytes") == 0);
    rows = {session("1.1", 3000, 50), session("2.1", 70000, 0)};
    speeds.add_to(rows, start + std::chrono::seconds(2));
    CHECK(number(rows[0], "up_bytes") == 1000);
    CHECK(number(rows[0], "down_bytes") == 0);
    CHECK(number(rows[1], "up_bytes") == 0);  // what it did before is not known
    CHECK(speeds.up() == 1000);
}

TEST_CASE("a session that was begun anew, and a clock that stands, have no speed") {
    SessionSpeeds speeds;
    std::vector<Row> rows{session("1.1", 1000, 50)};
    speeds.add_to(rows, start);
    rows = {session("1.1", 10, 60)};
    speeds.add_to(rows, start + std::chrono::seconds(1));
    CHECK(number(rows[0], "up_bytes") == 0);
    CHECK(number(rows[0], "down_bytes") == 10);
    rows = {session("1.1", 500, 60)};
    speeds.add_to(rows, start + std::chrono::seconds(1));
    CHECK(number(rows[0], "up_bytes") == 0);
}

TEST_CASE("keys choose the order, and a new order is not turned") {
    MonitorOrder order;
    CHECK(order.press('-'));
    CHECK(order.turned);
    CHECK(order.press('i'));
    CHECK(order.key == "idle_ms");
    CHECK_FALSE(order.turned);
    CHECK_FALSE(order.press('x'));
    CHECK_FALSE(order.press('\x1b'));
}

TEST_CASE("the picture fits any window") {
    MonitorPicture picture{.name = "gw"};
    for (int i = 0; i < 100; ++i)
        picture.rows.push_back(session(std::to_string(i) + ".1", i, i));
    SessionSpeeds().add_to(picture.rows, start);
    for (const std::size_t width : {1u, 10u, 79u, 80u, 200u}) {
        for (const std::size_t height : {1u, 2u, 3u, 4u, 24u, 300u}) {
            const std::vector<TableLine> lines = monitor_lines(picture, {}, width, height);
            CHECK(lines.size() == std::min<std::size_t>(height, 103));
            for (const TableLine& line : lines)
                CHECK(columns_of(line.text) <= width);
        }
    }
}

TEST_CASE("an old picture says so, and why [K-71]") {
    MonitorPicture picture{.name = "gw\x1b", .trouble = "gone\x1b", .age = std::chrono::seconds(12)};
    const std::string line = monitor_lines(picture, {}, 80, 24).front().text;
    CHECK(line.starts_with("OLD (12s): gone\\x1b  gw\\x1b  0 sessions"));
}

TEST_CASE("totals have rates where they are totals") {
    const Row before({{"sessions", Value::of(std::int64_t{5})},
                      {"datagrams", Value::of(std::int64_t{100})},
                      {"uptime_ms", Value::of(std::int64_t{1})},
                      {"name", Value::of("gw")}});
    const Row now({{"sessions", Value::of(std::int64_t{4})},
                   {"datagrams", Value::of(std::int64_t{300})},
                   {"uptime_ms", Value::of(std::int64_t{2001})},
                   {"name", Value::of("gw")},
                   {"new", Value::of(std::int64_t{7})}});
    const auto rates = rates_between(before, now, std::chrono::seconds(2));
    REQUIRE(rates.size() == 5);
    CHECK_FALSE(rates[0]);
    CHECK(rates[1] == 100.0);
    for (const std::size_t without : {2u, 3u, 4u})
        CHECK_FALSE(rates[without]);
    CHECK_FALSE(rates_between(before, now, base::Duration(0))[1]);
}
