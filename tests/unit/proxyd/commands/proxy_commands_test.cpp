#include "proxyd/commands/proxy_commands.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/unit/libudpserver/control/control_fixture.hpp"
#include "tests/unit/proxyd/parent_fixture.hpp"

using namespace control;
using namespace proxyd;
using Catch::Matchers::Contains;
using control::Code;

namespace {

struct ProxyStage : ParentStage {
    ControlSettings settings;
    std::unique_ptr<Upgrade> upgrade;
    std::unique_ptr<ProxyCommands> commands;
    std::unique_ptr<ControlServer> server;

    ProxyStage() {
        settings.path = folder.path + "/control.sock";
        settings.rights.own = ::geteuid();
        make();
        upgrade = std::make_unique<Upgrade>(*parent, Program{"/bin/true", {"true"}}, 0, -1);
        commands = std::make_unique<ProxyCommands>(*parent, *upgrade);
        server = std::make_unique<ControlServer>(parent->io(), settings);
        commands->add_to(*server);
        server->start();
    }

    /// The last line of the answer, or its only row; runs the parent's loop meanwhile.
    AnswerLine answer(const std::string& command, const std::string& args = "{}") {
        ControlCaller caller(settings.path);
        caller.ask(command, args);
        until([&] { return caller.ends() > 0; });
        return parse_answer(caller.lines().front());
    }
};

std::string text_of(const AnswerLine& line, const char* name) {
    const auto* member = line.find(name);
    return member ? member->text : "(nothing)";
}

}  // namespace

TEST_CASE("version says who this is") {
    ProxyStage stage;
    stage.run([&] {
        const AnswerLine line = stage.answer("version");
        CHECK(text_of(line, "name") == "stage");
        CHECK_THAT(text_of(line, "version"), Contains("proxyd "));
        CHECK(text_of(line, "pid") == std::to_string(::getpid()));
        CHECK(text_of(line, "protocol") == "1");
        CHECK(text_of(line, "config") == stage.file);
        CHECK(text_of(line, "upgrades") == "0");
        CHECK(std::stoi(text_of(line, "uptime_ms")) >= 0);
        CHECK_THAT(stage.answer("version", R"({"x": 1})").text, Contains("takes no arguments"));
        stage.parent->supervisor().stop();
    });
}

TEST_CASE("status is serving, degraded or stopping, and says why") {
    ProxyStage stage;
    stage.run([&] {
        AnswerLine line = stage.answer("status");
        CHECK(text_of(line, "name") == "stage");
        CHECK(text_of(line, "state") == "serving");
        CHECK_THAT(text_of(line, "listeners"), Contains("127.0.0.1:"));
        stage.reg().replace();
        line = stage.answer("status");
        CHECK((text_of(line, "state") == "serving" || text_of(line, "why").starts_with("REG ")));
        stage.reg().signal(SIGSTOP);
        stage.parent->drain(100ms);
        line = stage.answer("status");
        CHECK(text_of(line, "state") == "stopping");
        CHECK(text_of(line, "why") == "no new sessions, existing ones may finish");
        stage.parent->supervisor().stop();
        line = stage.answer("status");
        CHECK(text_of(line, "state") == "stopping");
        // Or down, if the replaced one had ended already.
        CHECK_THAT(text_of(line, "why"), Catch::Matches("REG (stopping|down)"));
    });
}

TEST_CASE("config shows the effective configuration, however long it is") {
    ProxyStage stage;
    std::string expected;
    for (int i = 0; i < 10'000; ++i)
        expected += "key-" + std::to_string(i) + ": \"value\"\n";
    stage.server->add("long", Access::read,
                      [&](const Request&, Answer answer) { write_lines(std::move(answer), expected); });
    stage.run([&] {
        CHECK_THAT(text_of(stage.answer("config"), "text"), Contains("stage"));
        ControlCaller caller(stage.settings.path);
        caller.ask("long");
        stage.until([&] { return caller.ends() > 0; });
        std::string text;
        for (const auto& line : caller.lines())
            if (const auto row = parse_answer(line); row.kind == AnswerLine::Kind::row)
                text += text_of(row, "text") + "\n";
        CHECK(text == expected);
        stage.parent->supervisor().stop();
    });
}

TEST_CASE("a reload ends with a verdict, and a rejected file has a line for each error [G-10]") {
    ProxyStage stage;
    stage.run([&] {
        const auto reload = [&](const std::string& rules, const std::string& args = "{}") {
            stage.write(rules);
            ControlCaller caller(stage.settings.path);
            caller.ask("reload", args);
            stage.until([&] { return caller.ends() > 0; });
            return caller.lines();
        };
        const std::string one = ParentStage::rule("one");
        auto lines = reload(one);
        CHECK(lines.front() == R"({"result":"unchanged","warnings":0,"changes":0})");
        lines = reload(
            "session-acl: [{name: one, from: 10.0.0.0/8, action: accept, plug-to: '127.0.0.1:5301'}]\n",
            R"({"check": true})");
        CHECK_THAT(lines.front(), Contains(R"("kind":"change")"));
        CHECK_THAT(lines.at(lines.size() - 2), Contains(R"({"result":"valid","warnings":0,"changes":)"));
        lines = reload("session-acl: [{name: one, action: accept, plug-to: '127.0.0.1:5301'}]\n# same\n");
        CHECK_THAT(lines.front(), Contains("unchanged"));
        // The answer to a reload comes when its REG serves.
        const pid_t before = stage.reg().status().pid;
        lines = reload(ParentStage::rule("two"));
        CHECK_THAT(lines.at(lines.size() - 2), Contains(R"({"result":"reloaded",)"));
        CHECK_FALSE(stage.parent->is_adopting());
        CHECK(stage.reg().status().state == process::ChildState::up);
        CHECK(stage.reg().status().pid != before);
        lines = reload("session-acl: [{name: one, action: acept}]\nusr: x\n");
        REQUIRE(lines.size() == 2);
        CHECK_THAT(lines[0], Contains(R"({"result":"rejected","errors":[")") && Contains(R"(",")"));
        CHECK_THAT(parse_answer(lines[1]).text, Contains("\n"));
        stage.parent->supervisor().stop();
    });
}

TEST_CASE("stop answers, then shuts down as TERM does") {
    ProxyStage stage;
    CHECK(stage.run([&] { CHECK(text_of(stage.answer("stop"), "stopping") == "true"); }) == 0);
}

TEST_CASE("a graceful stop drains, and a second stop does not wait [O-13]") {
    ProxyStage stage;
    SECTION("drained") {
        CHECK(stage.run([&] { stage.answer("stop", R"({"graceful_ms": 3600000})"); }) == 0);
        CHECK(stage.parent->is_draining());
    }
    SECTION("a second stop") {
        CHECK(stage.run([&] {
            stage.reg().signal(SIGSTOP);
            stage.answer("stop", R"({"graceful_ms": 3600000})");
            stage.answer("stop", R"({"graceful_ms": 3600000})");
        }) == 0);
    }
    SECTION("no time at all") {
        CHECK(stage.run([&] {
            const AnswerLine error = stage.answer("stop", R"({"graceful_ms": -5})");
            CHECK(error.code == Code::usage);
            CHECK_THAT(error.text, Contains("'graceful_ms' is -5"));
            stage.answer("stop", R"({"graceful_ms": 0})");
        }) == 0);
        CHECK_FALSE(stage.parent->is_draining());
    }
}

TEST_CASE("an upgrade to a program that is no proxyd is refused") {
    ProxyStage stage;
    stage.run([&] {
        const AnswerLine error = stage.answer("upgrade");
        CHECK(error.code == Code::refused);
        CHECK_THAT(error.text, Contains("/bin/true is not a working proxyd"));
        CHECK(stage.reg().status().state == process::ChildState::up);
        stage.parent->supervisor().stop();
        CHECK_THAT(stage.answer("upgrade").text, Contains("shutting down"));
    });
}
