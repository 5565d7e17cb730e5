#include "proxyctl/command_table.hpp"

#include <catch2/catch.hpp>

#include <set>

#include "proxyctl/failure.hpp"

using namespace proxyctl;

TEST_CASE("every command is complete and unique") {
    std::set<std::string_view> names;
    for (const Command& command : commands()) {
        CAPTURE(command.name);
        CHECK(names.insert(command.name).second);
        CHECK(command.run != nullptr);
        CHECK(command.help.ends_with("."));
        CHECK(command.operands.min <= command.operands.max);
        CHECK(command.operands.text.empty() == (command.operands.max == 0));
        CHECK(!title_of(command.group).empty());
        CHECK(!word_for(command.access).empty());
    }
    for (const char* name :
         {"show-app", "start",   "stop",  "restart", "reload",  "ps",    "kill",    "signal",  "upgrade",
          "sessions", "session", "watch", "monitor", "explain", "rules", "names",   "resolve", "log",
          "info",     "status",  "stats", "doctor",  "config",  "help",  "version", "man",     "quit"}) {
        CHECK(names.contains(name));
    }
}

TEST_CASE("a command names the permission that it needs [K-75]") {
    CHECK(word_for(command_named("sessions").access) == "needs read permission");
    CHECK(word_for(command_named("reload").access) == "needs change permission");
    CHECK(word_for(command_named("log").access) ==
          "needs read permission, and change permission for changes");
    CHECK(word_for(command_named("help").access) == "needs no permission");
}

TEST_CASE("options of a command have unique names and a help text") {
    for (const Command& command : commands()) {
        std::set<std::string_view> names{"json"};
        for (const Option& option : options_of(command)) {
            CAPTURE(command.name, option.name);
            CHECK(names.insert(option.name).second);
            CHECK(option.value.empty() == (option.type == ArgumentType::flag));
            CHECK(!option.help.empty());
        }
    }
}

TEST_CASE("commands may be abbreviated, in upper or lower case [K-72]") {
    CHECK(command_named("PS").name == "ps");
    CHECK(command_named("sEsSiOnS").name == "sessions");
    CHECK(command_named("session").name == "session");  // a whole name, though another begins so
    CHECK(command_named("mo").name == "monitor");
}

TEST_CASE("the error about an ambiguous abbreviation lists the candidates [K-72]") {
    CHECK_THROWS_WITH(command_named("sess"), "ambiguous command 'sess' (sessions, session)");
    CHECK_THROWS_WITH(command_named("stat"), "ambiguous command 'stat' (status, stats)");
}

TEST_CASE("the error about an unknown command names the nearest") {
    CHECK_THROWS_WITH(command_named("sesions"), Catch::Contains("did you mean sessions?"));
    CHECK_THROWS_WITH(command_named("zzz"), Catch::Contains("for a list"));
    CHECK_THROWS_AS(command_named(""), Failure);
    CHECK(find_commands("").empty());
    CHECK(find_commands(std::string(10000, 'x')).empty());
}
