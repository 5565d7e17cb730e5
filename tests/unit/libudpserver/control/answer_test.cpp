#include <catch2/catch.hpp>

#include "libudpserver/control/answer_line.hpp"
#include "libudpserver/control/row.hpp"

using namespace control;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Kind = AnswerLine::Kind;

TEST_CASE("a row is one line of JSON with its members in order") {
    Row row;
    CHECK(row.empty());
    CHECK(row.text() == "{}");
    row.add("role", "REG").add("pid", 4711).add("uptime_ms", base::Duration(1500)).add("up", true);
    row.add("bytes", std::uint64_t{18446744073709551615u}).add("list", std::vector<std::string>{"a", "b\"c"});
    row.add("limits", Row().add("idle_ms", 5)).add("none", std::vector<std::string>{});
    CHECK(row.text() == R"({"role":"REG","pid":4711,"uptime_ms":1500,"up":true,"bytes":18446744073709551615,)"
                        R"("list":["a","b\"c"],"limits":{"idle_ms":5},"none":[]})");
}

TEST_CASE("whatever a text holds, a row stays one line of JSON") {
    const std::string odd("\n\r\t\0\x1b\x7f\"\\\xff\xe2\x80\xae", 12);
    const std::string text = Row().add(odd, odd).text();
    CHECK(text.find_first_of(std::string("\n\r\t\0\x1b", 5)) == std::string::npos);
    const auto line = parse_answer(text);
    REQUIRE(line.kind == Kind::row);
    REQUIRE(line.members.size() == 1);
    CHECK_THAT(line.members[0].text, Contains("\n\r\t") && Contains("\\xff"));
}

TEST_CASE("a text that is too long for a row is cut") {
    const auto line = parse_answer(Row().add("text", std::string(100'000, 'x')).text());
    REQUIRE(line.kind == Kind::row);
    CHECK(line.members[0].text.size() <= 8 * 1024);
    CHECK_THAT(line.members[0].text, Catch::Matchers::EndsWith("x…"));
}

TEST_CASE("end lines say end or error") {
    CHECK(parse_answer(end_line()).kind == Kind::end);
    for (std::size_t i = 0; i < code_count; ++i) {
        const auto code = static_cast<Code>(i);
        CHECK(parse_code(to_string(code)) == code);
        const std::string text = error_line(code, "no \"such\" session\n");
        CHECK(begins_with_error(text));
        const auto line = parse_answer(text);
        CHECK(line.kind == Kind::error);
        CHECK(line.code == code);
        CHECK(line.text == "no \"such\" session\n");
    }
    CHECK_FALSE(parse_code("nonsense"));
    CHECK_FALSE(parse_code(""));
    CHECK_FALSE(begins_with_error(Row().add("last_error", "x").text()));
    CHECK_FALSE(begins_with_error(end_line()));
    CHECK_FALSE(begins_with_error(""));
}

TEST_CASE("an error that is too long is cut and stays a line") {
    const auto line = parse_answer(error_line(Code::failed, std::string(100'000, '"')));
    CHECK(line.kind == Kind::error);
    CHECK(line.text.size() < 4096);
}

TEST_CASE("the client sees each value of a row by its kind") {
    const auto line = parse_answer(
        R"({"t":"x","n":-5,"u":18446744073709551615,"f":1.5,"b":false,"z":null,"l":["a",1],"o":{"k":{"d":2}}})");
    REQUIRE(line.kind == Kind::row);
    REQUIRE(line.members.size() == 8);
    CHECK(line.members[0].name == "t");
    CHECK(line.find("t")->text == "x");
    CHECK(line.find("n")->text == "-5");
    CHECK(line.find("u")->text == "18446744073709551615");
    CHECK(line.find("f")->kind == Member::Kind::number);
    CHECK(line.find("b")->text == "false");
    CHECK(line.find("z")->kind == Member::Kind::nothing);
    REQUIRE(line.find("l")->inside.size() == 2);
    CHECK(line.find("l")->inside[0].text == "a");
    CHECK(line.find("l")->text == R"(["a",1])");
    CHECK(line.find("o")->inside[0].inside[0].name == "d");
    CHECK(line.find("nothing") == nullptr);
}

TEST_CASE("what is no answer is senseless, never a crash") {
    for (const std::string text : {"", "x", "{", "[]", "1", "{}{}", R"({"error": 5})", R"({"error": null})",
                                   "{\"a\": \"\xff\"}", "{\"a\": \"\x01\"}"}) {
        INFO(text);
        const auto line = parse_answer(text);
        CHECK(line.kind == Kind::senseless);
        CHECK_FALSE(line.text.empty());
    }
    CHECK(parse_answer(std::string(max_answer_line + 1, ' ')).kind == Kind::senseless);
    CHECK(parse_answer(std::string(1000, '[')).kind == Kind::senseless);
    CHECK(parse_answer(std::string("{\"a\":1}\0", 8)).kind == Kind::senseless);
}

TEST_CASE("an error of a later version is understood as failed") {
    CHECK(parse_answer(R"({"error": "x", "code": "tired"})").code == Code::failed);
    CHECK(parse_answer(R"({"error": "x", "code": 7})").code == Code::failed);
    CHECK(parse_answer(R"({"error": "x"})").code == Code::failed);
}

TEST_CASE("an unknown word gets the nearest one, or the list") {
    CHECK(not_among("command", "sesions", {"ps", "sessions"}) ==
          "unknown command 'sesions'; did you mean 'sessions'?");
    CHECK(not_among("command", "xyzzy", {"ps", "stop"}) == "unknown command 'xyzzy' (expected ps or stop)");
    CHECK(not_among("role", "ACR", {"REG-of-this"}) == "unknown role 'ACR' (expected REG-of-this)");
    CHECK(not_among("role", "ACR", {}) == "unknown role 'ACR' (there are none)");
}
