#include "proxyctl/command.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/command_table.hpp"
#include "proxyctl/failure.hpp"

using namespace proxyctl;
using Words = std::vector<std::string>;

namespace {

Arguments of(const char* command, const Words& words) {
    return {command_named(command), words};
}

}  // namespace

TEST_CASE("options stand anywhere, in every form") {
    const Arguments arguments = of("log", {"-n5", "tail", "--follow"});
    CHECK(arguments.operands() == Words{"tail"});
    CHECK(arguments.number("lines") == 5);
    CHECK(arguments.has("follow"));
    CHECK(of("log", {"tail", "--LINES=7"}).number("lines") == 7);
    CHECK(of("log", {"tail", "-n", "8", "-f"}).number("lines") == 8);
    CHECK(of("log", {"tail", "--li", "9"}).number("lines") == 9);
    CHECK_FALSE(of("log", {"tail"}).number("lines"));
    CHECK(of("ps", {"--json"}).json());
}

TEST_CASE("after -- everything is an operand") {
    CHECK(of("resolve", {"--", "--json"}).operands() == Words{"--json"});
    CHECK(of("resolve", {"-"}).operands() == Words{"-"});
}

TEST_CASE("option values are checked, and errors include the usage") {
    CHECK_THROWS_WITH(
        of("log", {"tail", "-n", "x"}),
        "log: --lines 'x': expected a whole number; usage: log level [ROLE] [up | down | LEVEL] "
        "| reopen | tail [-n N] [-f]");
    for (const Words& words : {Words{"-n"},
                               {"-n", ""},
                               {"-n", "-1"},
                               {"-n", "1e3"},
                               {"-n", "99999999999999999999"},
                               {"--lines="},
                               {"-x"},
                               {"--frob"},
                               {"--follow=1"},
                               {"-fx"},
                               {"--"},
                               {"-f", "-f", "tail"}}) {
        CAPTURE(words);
        CHECK_THROWS_AS(of("log", words), Failure);
    }
    CHECK_THROWS_WITH(of("sessions", {"--idle", "5"}), Catch::Contains("expected a duration, for example"));
    CHECK_THROWS_WITH(of("sessions", {"--s", "5"}),
                      Catch::Contains("ambiguous option --s (--server, --state, --sort)"));
    CHECK_THROWS_WITH(of("session", {}), Catch::Contains("missing argument; usage: session SESSION"));
    CHECK_THROWS_WITH(of("session", {"1.1", "2\x1b"}),
                      Catch::Contains("unexpected argument '2\\x1b'; usage:"));
}

TEST_CASE("the name of an instance may follow a command without operands [G-9]") {
    for (const char* command :
         {"start", "stop", "restart", "reload", "status", "ps", "version", "doctor", "top"})
        CHECK(of(command, {"gw"}).instance() == "gw");
    CHECK(of("reload", {"--check", "gw"}).instance() == "gw");
    CHECK(of("stop", {"gw", "--graceful", "5s"}).instance() == "gw");
    CHECK_FALSE(of("start", {}).instance());
    CHECK_FALSE(of("session", {"1.1"}).instance());
    CHECK_THROWS_WITH(of("start", {"gw", "vpn"}), "start: unexpected argument 'vpn'; usage: start");
    CHECK_THROWS_WITH(of("quit", {"gw"}), "quit: unexpected argument 'gw'; usage: quit");
}

TEST_CASE("explain judges addresses before it asks a proxy [G-12]") {
    CHECK_THROWS_WITH(explain_args({"from", "10.0.0.1", "to", "10.0.0.300"}),
                      "explain: '10.0.0.300' is not an address, nor an address with a port");
    CHECK_THROWS_AS(explain_args({"from", "gw", "to", "10.0.0.1"}), Failure);
    CHECK(explain_args({"from", "10.0.0.1", "to", "[::1]:53"}).size() == 2);
    for (const char* dscp : {"64", "-1", "x"})
        CHECK_THROWS_WITH(explain_args({"from", "::1", "to", "::1", "dscp", dscp}),
                          Catch::Contains("is not a number from 0 to 63"));
}

TEST_CASE("filters become arguments of the request") {
    const control::Args args =
        filter_args(of("sessions", {"--from", "10.0.0.0/8", "--idle=5m", "--state", "answered"}));
    CHECK(args.size() == 3);
    CHECK(std::get<std::string>(args.at("from")) == "10.0.0.0/8");
    CHECK(std::get<std::int64_t>(args.at("idle_ms")) == 300'000);
    CHECK(std::get<std::string>(args.at("state")) == "answered");
    CHECK(filter_args(of("sessions", {"--sort", "idle"})).empty());
}

TEST_CASE("explain reads words in any order") {
    const control::Args args =
        explain_args({"to", "10.0.1.1:53", "FROM", "[2001:db8::1]:5", "dscp", "46", "at", "Mon", "08:30"});
    CHECK(std::get<std::string>(args.at("client")) == "[2001:db8::1]:5");
    CHECK(std::get<std::string>(args.at("time")) == "Mon 08:30");
    CHECK(std::get<std::int64_t>(args.at("dscp")) == 46);
}

TEST_CASE("explain rejects words without their place") {
    const Words good{"from", "10.1.2.3", "to", "10.0.1.1"};
    for (const Words& more : {Words{"at"}, {"dscp"}, {"to", "10.0.1.1"}}) {
        CAPTURE(more);
        Words words = good;
        words.insert(words.end(), more.begin(), more.end());
        CHECK_THROWS_AS(explain_args(words), Failure);
    }
    CHECK_THROWS_WITH(explain_args({"to", "10.0.1.1"}), Catch::Contains("'from' is missing"));
    CHECK_THROWS_WITH(explain_args({"via", "x"}), Catch::Contains("expected from, to, at or dscp"));
    CHECK_THROWS_WITH(explain_args({"from", "::1", "to", "::1", "z"}),
                      "explain: '::1 z' is not an address, nor an address with a port");
}

TEST_CASE("roles, signals and sessions are recognised") {
    CHECK(role_of("reg") == "REG");
    CHECK(role_of("Parent") == "parent");
    CHECK_FALSE(role_of("REGS"));
    CHECK(signal_of("sigusr1") == "USR1");
    CHECK(signal_of("PWR") == "INFO");
    CHECK_FALSE(signal_of("KILL"));
    CHECK_FALSE(signal_of("SIG"));
    CHECK(level_of("Error") == 3);
    CHECK(level_of("full") == 9);
    CHECK(level_of("4") == 4);
    for (const char* word : {"2", "10", "", "loud", "up"})
        CHECK_FALSE(level_of(word));
    CHECK(is_session_id("0.1"));
    for (const char* word : {"", ".", "1.", ".1", "1", "1.2.3", "a.1", "-1.1", "1.1 "})
        CHECK_FALSE(is_session_id(word));
}
