#include "proxyctl/human.hpp"

#include <catch2/catch.hpp>

using namespace proxyctl;

TEST_CASE("durations have at most two units") {
    const std::pair<std::int64_t, std::string> samples[] = {
        {0, "0ms"},
        {999, "999ms"},
        {1000, "1.0s"},
        {9999, "9.9s"},
        {10'000, "10s"},
        {59'999, "59s"},
        {60'000, "1m00s"},
        {192'345, "3m12s"},
        {3'599'999, "59m59s"},
        {3'600'000, "1h00m"},
        {86'399'999, "23h59m"},
        {86'400'000, "1d00h"},
        {273'600'000, "3d04h"},
        {-1500, "-1.5s"},
        {INT64_MIN, "-"},
    };
    for (const auto& [milliseconds, text] : samples)
        CHECK(human_duration(milliseconds) == text);
    CHECK(human_duration(INT64_MAX).ends_with("h"));
}

TEST_CASE("sizes count in 1024, and never show four digits of a unit that has a larger one") {
    const std::pair<double, std::string> samples[] = {
        {0, "0"},          {512, "512"},        {1023, "1023"},      {1024, "1.0K"},      {1536, "1.5K"},
        {10'240, "10K"},   {1'048'575, "1.0M"}, {1'048'576, "1.0M"}, {23'500'000, "22M"}, {1.1e12, "1.0T"},
        {1.2e18, "1066P"},
    };
    for (const auto& [bytes, text] : samples)
        CHECK(human_size(bytes) == text);
    CHECK(human_size(1e300) == "8.88e+284P");
}

TEST_CASE("only small counts have a fraction") {
    CHECK(human_count(0) == "0");
    CHECK(human_count(0.42) == "0.4");
    CHECK(human_count(17.4) == "17");
    CHECK(human_count(999.6) == "1.0k");
    CHECK(human_count(23'456) == "23k");
}

TEST_CASE("visible() escapes only what a terminal acts upon") {
    CHECK(visible("name: \"a\\b\" ä") == "name: \"a\\b\" ä");
    CHECK(visible("a\x1b[2J\n\t\r\x7f") == "a\\x1b[2J\\n\\t\\r\\x7f");
    CHECK(visible("\xff\xc3") == "\\xff\\xc3");
    CHECK(visible("\xe2\x80\xae") == "\\xe2\\x80\\xae");  // turns the direction of the text
    CHECK(visible(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("text is cut by characters, not by bytes") {
    CHECK(cut("äöü", 3) == "äöü");
    CHECK(cut("äöüß", 3) == "äö…");
    CHECK(cut("abc", 1) == "…");
    CHECK(cut("abc", 0).empty());
    CHECK(columns_of("äö…") == 3);
    CHECK(columns_of("\xff\xff") == 2);
}

TEST_CASE("the name of the field gives the unit of a cell") {
    Value list;
    list.kind = Value::Kind::list;
    CHECK(cell_text("addresses", list) == "-");
    list.members = {{"", "10.0.0.1"}, {"", "10.0.0.2"}};
    CHECK(cell_text("addresses", list) == "10.0.0.1, 10.0.0.2");
    CHECK(cell_text("idle_ms", std::int64_t{7200}) == "7.2s");
    CHECK(cell_text("client_bytes", std::int64_t{2048}) == "2.0K");
    CHECK(cell_text("datagrams", std::int64_t{2048}) == "2048");
    CHECK(cell_text("_ms", std::int64_t{5}) == "5");
    Value huge;
    huge.kind = Value::Kind::real;
    huge.real = 1e300;
    CHECK(cell_text("idle_ms", huge) == "1e+300");
    CHECK(cell_text("x", Value()) == "-");
    CHECK(cell_text("x", "") == "-");
    CHECK(cell_text("x", true) == "yes");
    CHECK(cell_text("x", "a\nb") == "a\\nb");
    CHECK(columns_of(cell_text("x", std::string(5000, 'x'))) <= 1001);
}

TEST_CASE("JSON on a terminal escapes what the terminal would act upon, and stays the same JSON [G-8]") {
    CHECK(visible_json(R"({"a":"ž \"x\""})") == R"({"a":"ž \"x\""})");
    CHECK(visible_json("{\"a\":\"\xc2\x9b[2J\"}") == "{\"a\":\"\\u009b[2J\"}");
    CHECK(visible_json("\u202e\u200b\x7f") == "\\u202e\\u200b\\u007f");
    CHECK(visible_json("\U000e0041") == "\\udb40\\udc41");
    CHECK(visible_json("{\t\"a\":\xff}") == "{ \"a\":\\ufffd}");
    CHECK(visible_json("\x1b") == " ");
}
