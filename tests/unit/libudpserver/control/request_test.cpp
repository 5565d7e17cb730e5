#include "libudpserver/control/request.hpp"

#include <catch2/catch.hpp>

using namespace control;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

/// What parse() says, with `malformed: ` before it when the connection is lost with it.
std::string complaint(std::string_view line) {
    try {
        const Request request = Request::parse(line);
        return "accepted " + request.command();
    } catch (const Malformed& error) {
        CHECK(error.code() == Code::usage);
        return std::string("malformed: ") + error.what();
    } catch (const Failure& error) {
        CHECK(error.code() == Code::usage);
        return error.what();
    }
}

std::string failure(const std::function<void()>& action) {
    try {
        action();
    } catch (const Failure& error) {
        CHECK(error.code() == Code::usage);
        return error.what();
    }
    return "no failure";
}

}  // namespace

TEST_CASE("a request has a command and arguments of three kinds") {
    const auto request = Request::parse(
        R"( {"command": "sessions", "args": {"from": "10.0.0.0/8", "limit": 20, "state": "open", "all": true,
            "n": -9223372036854775808, "m": 9223372036854775807}} )");
    CHECK(request.command() == "sessions");
    CHECK(request.text("from") == "10.0.0.0/8");
    CHECK(request.number("limit") == 20);
    CHECK(request.flag("all") == true);
    CHECK(request.number("n", INT64_MIN) == INT64_MIN);
    CHECK(request.number("m") == INT64_MAX);
    CHECK_FALSE(request.text("to"));
    CHECK_FALSE(request.number("idle_ms"));
    CHECK_FALSE(request.flag("none"));
}

TEST_CASE("args may be left out or empty, members may come in any order") {
    CHECK(Request::parse(R"({"command":"ps"})").args().empty());
    CHECK(Request::parse(R"({"command":"ps","args":{}})").args().empty());
    CHECK(Request::parse(R"({"args":{"role":"REG"},"command":"ps"})").text("role") == "REG");
}

TEST_CASE("a request that is written reads back the same") {
    const Request request("explain", {{"client", "10.0.0.1:53"},
                                      {"dscp", std::int64_t{46}},
                                      {"all", false},
                                      {"odd \"name\"", "\\ \"quoted\" ü \u202e"}});
    const Request again = Request::parse(request.line());
    CHECK(again.command() == request.command());
    CHECK(again.args() == request.args());
    CHECK(Request("ps", {}).line() == R"({"command":"ps"})");
}

TEST_CASE("what is not JSON object says where, and the connection is given up") {
    for (const std::string line :
         {"", " ", "help", "{", "{}}", "{} {}", "[1", R"({"command": "ps",})", R"({'command': 'ps'})",
          R"({"command": "ps"} // why)", "{\"command\": \"p\x01s\"}", "{\"command\": \"\xff\"}",
          "{\"command\": \"\xc0\xaf\"}", "{\"command\": \"\xed\xa0\x80\"}", R"({"command": "\ud800"})",
          R"({"command": 01})", "\xef\xbb\xbf{\"command\": \"ps\"}"}) {
        INFO(line);
        CHECK_THAT(complaint(line), Contains("malformed: byte ") && Contains("is not JSON") &&
                                        Contains(R"({"command": "version"})"));
    }
    CHECK_THAT(complaint(std::string("{\"command\"\0: \"ps\"}", 18)), Contains("malformed: byte 11 "));
}

TEST_CASE("nesting is bounded before anything is stored") {
    std::string deep = R"({"command": "ps", "args": {"a": )";
    CHECK_THAT(complaint(deep + "[[1]]}}"),
               Equals("'args.a' is a list; it must be a text, a whole number, true "
                      "or false"));
    CHECK_THAT(complaint(deep + "[[[1]]]}}"), Contains("malformed") && Contains("too deep"));
    CHECK_THAT(complaint(std::string(16'000, '[')), Contains("malformed") && Contains("too deep"));
}

TEST_CASE("a line that is too long is refused unread") {
    const std::string head = R"({"command": ")";
    std::string line = head + std::string(max_request - head.size() - 2, 'x') + "\"}";
    REQUIRE(line.size() == max_request);
    CHECK_THAT(complaint(line), Contains("accepted"));
    CHECK_THAT(complaint(line + " "), Equals("malformed: a request has at most 16384 bytes"));
}

TEST_CASE("JSON that is no request says what is wrong and what would be right") {
    CHECK_THAT(complaint("[]"), Contains("a request is an object"));
    CHECK_THAT(complaint("42"), Contains("a request is an object"));
    CHECK_THAT(complaint("null"), Contains("a request is an object"));
    CHECK_THAT(complaint("{}"), Equals("the request has no 'command'"));
    CHECK_THAT(complaint(R"({"args": {}})"), Equals("the request has no 'command'"));
    for (const char* value : {"1", "null", "true", "\"\"", "[\"ps\"]", "{}", "1.5"})
        CHECK_THAT(complaint(std::string(R"({"command": )") + value + "}"),
                   Equals("'command' must be the name of a command"));
    for (const char* value : {"1", "null", "[]", "\"x\"", "[{\"command\": 1}]"})
        CHECK_THAT(complaint(std::string(R"({"command": "ps", "args": )") + value + "}"),
                   Contains("'args' must be an object"));
    CHECK_THAT(complaint(R"({"comand": "ps"})"), Equals("unknown key 'comand'; did you mean 'command'?"));
    CHECK_THAT(complaint(R"({"command": "ps", "zzzzzzz": {"a": 1}})"),
               Equals("unknown key 'zzzzzzz' (expected command or args)"));
}

TEST_CASE("keys that come twice are an error, not the last one that wins") {
    CHECK_THAT(complaint(R"({"command": "ps", "command": "stop"})"), Equals("'command' is given twice"));
    CHECK_THAT(complaint(R"({"command": "ps", "args": {}, "args": {}})"), Equals("'args' is given twice"));
    CHECK_THAT(complaint(R"({"command": "ps", "args": {"a": 1, "a": 1}})"),
               Equals("'args.a' is given twice"));
    CHECK_THAT(complaint(R"({"command": "ps", "args": {"a": 1, "\u0061": 1}})"),
               Equals("'args.a' is given twice"));
}

TEST_CASE("an argument has a name") {
    CHECK_THAT(complaint(R"({"command": "ps", "args": {"": 1}})"), Equals("an argument has no name"));
}

TEST_CASE("arguments are texts, whole numbers or booleans, and nothing else") {
    const auto with = [](const std::string& value) {
        return complaint(R"({"command": "ps", "args": {"older": )" + value + "}}");
    };
    CHECK_THAT(with("null"), Contains("'args.older' is null; it must be a text"));
    CHECK_THAT(with("1.5"), Contains("'args.older' is not a whole number"));
    CHECK_THAT(with("1e3"), Contains("'args.older' is not a whole number"));
    CHECK_THAT(with("9223372036854775808"), Contains("'args.older' is too large a number"));
    CHECK_THAT(with("99999999999999999999999"), Contains("'args.older' is not a whole number, or too large"));
    CHECK_THAT(with(R"({"x": 1})"), Contains("'args.older' is an object"));
}

TEST_CASE("control characters in texts are refused, also escaped ones") {
    CHECK_THAT(complaint(R"({"command": "p\u0000s"})"), Equals("'command' contains a control character"));
    CHECK_THAT(complaint(R"({"command": "ps", "args": {"role": "REG\n"}})"),
               Equals("'args.role' contains a control character"));
    CHECK_THAT(complaint(R"({"command": "ps", "args": {"ro\u0000le": 1}})"),
               Equals("the name of an argument contains a control character"));
}

TEST_CASE("foreign words in a complaint are short and printable") {
    const std::string text = complaint(R"({"x\u001b[31m)" + std::string(1000, 'y') + R"(": 1})");
    CHECK(text.size() < 200);
    CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("an argument of the wrong kind or out of range is named") {
    const auto request = Request::parse(
        R"({"command": "log-level", "args": {"role": 5, "steps": "two", "limit": 11, "on": 1}})");
    CHECK(failure([&] { (void)request.text("role"); }) == "argument 'role' must be a text, not a number");
    CHECK(failure([&] { (void)request.number("steps"); }) ==
          "argument 'steps' must be a whole number, not a text");
    CHECK(failure([&] { (void)request.flag("on"); }) == "argument 'on' must be true or false, not a number");
    CHECK(failure([&] { (void)request.number("limit", 1, 10); }) ==
          "argument 'limit' is 11, must be 1 to 10");
    CHECK(failure([&] { (void)request.number("limit", 12); }) ==
          "argument 'limit' is 11, must be 12 or more");
    CHECK(failure([&] { (void)request.needed_text("id"); }) == "command 'log-level' needs the argument 'id'");
}

TEST_CASE("durations are whole milliseconds within ten years") {
    const auto request = Request::parse(
        R"({"command": "x", "args": {"a_ms": 1500, "b_ms": -1, "c_ms": 9223372036854775807, "d_ms": "5s"}})");
    CHECK(request.duration("a_ms") == 1500ms);
    CHECK_FALSE(request.duration("e_ms"));
    CHECK_THAT(failure([&] { (void)request.duration("b_ms"); }), Contains("'b_ms' is -1"));
    CHECK_THAT(failure([&] { (void)request.duration("c_ms"); }), Contains("'c_ms' is 9223372036854775807"));
    CHECK_THAT(failure([&] { (void)request.duration("d_ms"); }), Contains("must be a whole number"));
}

TEST_CASE("an argument that the command does not know is an error with the nearest one") {
    const auto request = Request::parse(R"({"command": "sessions", "args": {"form": "10.0.0.1"}})");
    CHECK(failure([&] { request.allow({"form"}); }) == "no failure");
    CHECK(failure([&] {
              request.allow({"from", "to"});
          }) == "unknown argument of 'sessions': 'form'; did you mean 'from'?");
    CHECK(failure([&] { request.allow({}); }) == "command 'sessions' takes no arguments");
}
