#include "proxyctl/views/monitor_view.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/human.hpp"

using namespace proxyctl;

namespace {

Row session(const std::string& id, std::int64_t up, std::int64_t down) {
    return Row({{"id", id}, {"client", "10.0.0.1:1"}, {"client_bytes", up}, {"server_bytes", down}});
}

double number(const Row& row, const char* name) {
    REQUIRE(row.find(name) != nullptr);
    return row.find(name)->number();
}

const base::Instant start{std::chrono::seconds(1000)};

}  // namespace

TEST_CASE("rates are differences between two answers [K-70]") {
    SessionRates rates;
    std::vector<Row> rows{session("1.1", 1000, 50)};
    rates.add_to(rows, start);
    CHECK(number(rows[0], "up_bytes") == 0);
    rows = {session("1.1", 3000, 50), session("2.1", 70000, 0)};
    rates.add_to(rows, start + std::chrono::seconds(2));
    CHECK(number(rows[0], "up_bytes") == 1000);
    CHECK(number(rows[0], "down_bytes") == 0);
    CHECK(number(rows[1], "up_bytes") == 0);  // what it did before is not known
    CHECK(rates.up() == 1000);
}

TEST_CASE("a session whose counters were reset, and a stopped clock, have no rate") {
    SessionRates rates;
    std::vector<Row> rows{session("1.1", 1000, 50)};
    rates.add_to(rows, start);
    rows = {session("1.1", 10, 60)};
    rates.add_to(rows, start + std::chrono::seconds(1));
    CHECK(number(rows[0], "up_bytes") == 0);
    CHECK(number(rows[0], "down_bytes") == 10);
    rows = {session("1.1", 500, 60)};
    rates.add_to(rows, start + std::chrono::seconds(1));
    CHECK(number(rows[0], "up_bytes") == 0);
}

TEST_CASE("keys choose the order, and a new order is not reversed") {
    MonitorOrder order;
    CHECK(order.press('-'));
    CHECK(order.reversed);
    CHECK(order.press('i'));
    CHECK(order.key == "idle_ms");
    CHECK_FALSE(order.reversed);
    CHECK_FALSE(order.press('x'));
    CHECK_FALSE(order.press('\x1b'));
}

TEST_CASE("the frame fits any screen") {
    MonitorFrame frame{.name = "gw"};
    for (int i = 0; i < 100; ++i)
        frame.rows.push_back(session(std::to_string(i) + ".1", i, i));
    SessionRates().add_to(frame.rows, start);
    for (const std::size_t width : {1u, 10u, 79u, 80u, 200u}) {
        for (const std::size_t height : {1u, 2u, 3u, 4u, 24u, 300u}) {
            const std::vector<TableLine> lines = monitor_lines(frame, {}, width, height);
            CHECK(lines.size() == std::min<std::size_t>(height, 103));
            for (const TableLine& line : lines)
                CHECK(columns_of(line.text) <= width);
        }
    }
}

TEST_CASE("an old frame gives its age and the error [K-71]") {
    MonitorFrame frame{.name = "gw\x1b", .error = "gone\x1b", .age = std::chrono::seconds(12)};
    const std::string line = monitor_lines(frame, {}, 80, 24).front().text;
    CHECK(line.starts_with("OLD (12s): gone\\x1b  gw\\x1b  0 sessions"));
}
