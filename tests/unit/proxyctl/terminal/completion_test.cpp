#include "proxyctl/terminal/completion.hpp"

#include <catch2/catch.hpp>

using namespace proxyctl;
using Words = std::vector<std::string>;

namespace {

/// An instance that knows one rule and one session.
Words answer(const Selection& selection, const std::string& command, const std::string& field) {
    if (selection.name == "down") return {};
    return command == "rules" && field == "rule" ? Words{"lan"} : Words{"17.3"};
}

Words complete_line(const Words& words) {
    Settings settings;
    settings.places = {"/nonexistent", "/nonexistent"};
    return complete(words, settings, answer);
}

}  // namespace

TEST_CASE("commands, options and values are completed") {
    CHECK(complete_line({"SESS"}) == Words{"sessions", "session"});
    CHECK(complete_line({"gw", "res"}) == Words{"restart", "resolve"});
    CHECK(complete_line({"--json", "ps", "--j"}) == Words{"--json"});
    CHECK(complete_line({"sessions", "--rule", ""}) == Words{"lan"});
    CHECK(complete_line({"gw", "session", "1"}) == Words{"17.3"});
    CHECK(complete_line({"down", "session", "1"}).empty());
    CHECK(complete_line({"signal", "W"}) == Words{"WINCH"});
    CHECK(complete_line({"signal", "WINCH", "p"}) == Words{"parent"});
    CHECK(complete_line({"log", "level", "tr"}) == Words{"trace"});
    CHECK(complete_line({"log", "tail", ""}).empty());
    CHECK(complete_line({"log", "tail", "-n", ""}).empty());
    CHECK(complete_line({"help", "ver"}) == Words{"version"});
}

TEST_CASE("invalid lines have no candidates") {
    CHECK(complete_line({}).empty());
    CHECK(complete_line({"sess", ""}).empty());  // ambiguous
    CHECK(complete_line({"-s", ""}).empty());
    CHECK(complete_line({"--timeout", "5"}).empty());
    CHECK(complete_line({"ps", "x"}).empty());
    CHECK(complete_line({"resolve", "x"}).empty());
}

TEST_CASE("candidates share a prefix") {
    CHECK(common_prefix({}).empty());
    CHECK(common_prefix({"sessions", "session"}) == "session");
    CHECK(common_prefix({"a", "b"}).empty());
}

TEST_CASE("context help shows the usage of the command, or the possible commands") {
    CHECK(context_help({"session", ""}).front() == "session SESSION [--interval TIME]");
    CHECK(context_help({"gw", "session", "1"}).front() == "session SESSION [--interval TIME]");
    CHECK(context_help({""}).size() > 20);
    const Words lines = context_help({"st"});
    REQUIRE(lines.size() == 4);
    CHECK(lines.front().starts_with("start: "));
}
