#include "proxyctl/table.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/human.hpp"

using namespace proxyctl;

namespace {

Row row(const std::string& name, std::int64_t bytes, const std::string& rule) {
    return Row({{"name", name}, {"up_bytes", bytes}, {"rule", rule}});
}

std::vector<std::string> texts(const Table& table, std::size_t width = 0) {
    std::vector<std::string> result;
    for (const TableLine& line : table.lines(width))
        result.push_back(line.text);
    return result;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("columns are aligned, numbers to the right") {
    Table table({{"name", "NAME"}, {"up_bytes", "UP"}, {"rule", "RULE"}});
    table.add(row("a", 5, "lan"));
    table.add(row("länger", 123'456, ""));
    CHECK(texts(table) == Texts{"NAME      UP  RULE", "a          5  lan", "länger  121K  -"});
}

TEST_CASE("a missing field is a dash and keeps a column of numbers right-aligned") {
    Table table({{"up_bytes", "UP BYTES"}, {"other", "OTHER"}});
    table.add(row("a", 5, ""));
    table.add(Row(Fields{}));
    CHECK(texts(table) == Texts{"UP BYTES  OTHER", "       5  -", "       -  -"});
}

TEST_CASE("an empty table has only its titles, a table without columns no lines") {
    CHECK(texts(Table({{"a", "A"}, {"b", "B"}})) == Texts{"A  B"});
    CHECK(texts(Table({})).empty());
}

TEST_CASE("the widest columns are cut first, until a line fits") {
    Table table({{"name", "NAME"}, {"rule", "RULE"}, {"up_bytes", "UP"}});
    table.add(row(std::string(60, 'n'), 1, std::string(20, 'r')));
    for (const std::size_t width : {80u, 60u, 40u, 30u}) {
        for (const std::string& line : texts(table, width))
            CHECK(columns_of(line) <= width);
        CHECK(texts(table, width)[1].ends_with(" 1"));
    }
    CHECK(texts(table, 60)[1].find(std::string(20, 'r')) != std::string::npos);
}

TEST_CASE("a screen that is too narrow cuts the lines") {
    Table table({{"name", "NAME"}, {"rule", "RULE"}});
    table.add(row("abcdefghij", 1, "abcdefghij"));
    CHECK(texts(table, 5) == Texts{"NAME…", "abcd…"});
    CHECK(texts(table, 1)[1] == "…");
}

TEST_CASE("titles come from the names of fields") {
    CHECK(column_of("idle_ms").title == "IDLE");
    CHECK(column_of("client_bytes").title == "CLIENT BYTES");
    CHECK(column_of("a\x1b").title == "A\\x1b");
}
