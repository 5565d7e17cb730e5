#include "proxyd/commands/process_commands.hpp"

#include <catch2/catch.hpp>

#include "proxyd/commands/process_numbers.hpp"
#include "tests/unit/libudpserver/control/control_fixture.hpp"

using namespace control;
using namespace process;
using namespace proxyd;
using base::LogLevel;
using Catch::Matchers::Contains;
using control::AnswerLine;
using control::Code;

namespace {

struct CommandStage : ControlStage {
    std::unique_ptr<ChildQueries> queries;
    std::unique_ptr<ProcessCommands> commands;

    CommandStage() {
        auto& parent = make();
        for (const auto party : {ipc::Party::reg, ipc::Party::acr})
            parent.add_role(talking_role(party));
        queries = std::make_unique<ChildQueries>(io, parent);
    }
    ~CommandStage() { server.reset(); }

    /// Ends as asked, and answers each question with its own name.
    Role talking_role(ipc::Party party) {
        return role(
            [party](ChildRuntime& runtime, Board& shown) {
                runtime.on(ipc::MessageType::query, [&](ipc::Message& message) {
                    const std::string name(ipc::to_string(party));
                    runtime.parent().send(
                        ipc::QueryResult{0, "{\"role\":\"" + name + "\",\"line\":\"hello\"}"}, message.id);
                });
                runtime.on_info([&] {
                    shown.level = static_cast<int>(base::log::level());
                    ++shown.infos;  // who waits for it reads the level then
                });
                runtime.on_stop([&] { runtime.finish(0); });
                runtime.report_ready();
                return runtime.run();
            },
            party);
    }

    void begin() {
        commands = std::make_unique<ProcessCommands>(*supervisor, *queries);
        commands->add_to(serve());
        supervisor->start();
        until_ready();
    }

    Child& child(ipc::Party party = ipc::Party::reg) { return *supervisor->find(party); }

    /// The lines of the answer, its end among them.
    std::vector<AnswerLine> answer(const std::string& command, const std::string& args = "{}") {
        auto caller = call();
        caller.ask(command, args);
        until_ends(caller, 1);
        std::vector<AnswerLine> lines;
        for (const auto& line : caller.lines())
            lines.push_back(control::parse_answer(line));
        return lines;
    }
    /// The error that a command must answer with.
    std::string error(const std::string& command, const std::string& args, Code code) {
        const auto lines = answer(command, args);
        REQUIRE(lines.size() == 1);
        REQUIRE(lines[0].kind == AnswerLine::Kind::error);
        CHECK(lines[0].code == code);
        return lines[0].text;
    }
};

std::string text_of(const AnswerLine& line, const char* name) {
    const auto* member = line.find(name);
    return member ? member->text : "(nothing)";
}

}  // namespace

TEST_CASE("ps has a row for each process, the parent's first, with memory, descriptors and the last exit") {
    CommandStage stage;
    stage.begin();
    ::kill(stage.child().status().pid, SIGKILL);
    stage.until([&] { return stage.board->starts == 3 && stage.supervisor->all_ready(); });
    const auto lines = stage.answer("ps");
    REQUIRE(lines.size() == 4);
    CHECK(text_of(lines[0], "role") == "parent");
    CHECK(text_of(lines[1], "role") == "REG");
    CHECK(text_of(lines[2], "role") == "ACR");
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(text_of(lines[i], "state") == "up");
        CHECK(std::stoll(text_of(lines[i], "memory_bytes")) > 100'000);
        CHECK(std::stoi(text_of(lines[i], "descriptors")) >= 3);
        CHECK(text_of(lines[i], "log_level") == "7");
    }
    CHECK(text_of(lines[1], "pid") == std::to_string(stage.child().status().pid));
    CHECK(text_of(lines[1], "restarts") == "1");
    CHECK(text_of(lines[1], "last_exit") == "signal 9 (Killed)");
    CHECK(std::stoi(text_of(lines[1], "last_exit_ago_ms")) >= 0);
    CHECK(text_of(lines[2], "restarts") == "0");
    CHECK(text_of(lines[2], "last_exit") == "(nothing)");
}

TEST_CASE("the numbers of a process are its own") {
    const auto before = descriptors_of(::getpid());
    const base::UniqueFd one(::dup(0)), two(::dup(0));
    CHECK(descriptors_of(::getpid()) == *before + 2);
    CHECK(memory_of(::getpid()) > 100'000u);
    CHECK_FALSE(memory_of(0x7fffffff));
    CHECK_FALSE(descriptors_of(0x7fffffff));
}

TEST_CASE("signal addresses one child, all children or the parent, which relays [K-74]") {
    CommandStage stage;
    stage.begin();
    auto lines = stage.answer("signal", R"({"signal": "INFO", "role": "reg"})");
    REQUIRE(lines.size() == 2);
    CHECK(text_of(lines[0], "role") == "REG");
    CHECK(text_of(lines[0], "signal") == "INFO");
    CHECK(text_of(lines[0], "pid") == std::to_string(stage.child().status().pid));
    stage.until([&] { return stage.board->infos == 1; });
    CHECK(stage.answer("signal", R"({"signal": "SIGPWR", "role": "all"})").size() == 3);
    stage.until([&] { return stage.board->infos == 3; });
    CHECK(count_of(stage.log(), "supervisor up") == 0);
    lines = stage.answer("signal", R"({"signal": "info"})");
    REQUIRE(lines.size() == 2);
    CHECK(text_of(lines[0], "role") == "parent");
    stage.until([&] { return stage.board->infos == 5; });
    CHECK(count_of(stage.log(), "supervisor up") == 1);
    CHECK_THAT(stage.log(), Contains("CTRL-210-N") &&
                                Contains("uid " + std::to_string(::geteuid()) + " pid " +
                                         std::to_string(::getpid()) + ": ") &&
                                Contains("\"SIGPWR\""));
}

TEST_CASE("signals and roles that do not exist are refused with what does") {
    CommandStage stage;
    stage.begin();
    CHECK(stage.error("signal", R"({"signal": "KILL"})", Code::usage) ==
          "unknown signal 'KILL' (expected INT, TERM, QUIT, HUP, USR1, USR2, WINCH or INFO)");
    CHECK(stage.error("signal", R"({"signal": "TREM"})", Code::usage) ==
          "unknown signal 'TREM'; did you mean 'TERM'?");
    CHECK_THAT(stage.error("signal", "{}", Code::usage), Contains("needs the argument 'signal'"));
    CHECK(stage.error("signal", R"({"signal": "HUP", "role": "AR"})", Code::unknown) ==
          "unknown role 'AR'; did you mean 'ACR'?");
    for (const char* command : {"signal", "log-level", "info", "kill-role"}) {
        const std::string args = command == std::string("signal")      ? R"("signal": "HUP", )"
                                 : command == std::string("log-level") ? R"("level": 5, )"
                                                                       : "";
        CHECK(stage.error(command, "{" + args + R"("role": "apr"})", Code::refused) ==
              "this proxy has no APR: it looks up no names of clients");
        CHECK_THAT(stage.error(command, "{" + args + R"("role": "log"})", Code::usage),
                   Contains("LOG takes no signals") && Contains("`log reopen`"));
    }
    CHECK_THAT(stage.error("signal", R"({"signal": "HUP", "rol": "REG"})", Code::usage), Contains("'role'"));
    CHECK(stage.supervisor->all_ready());
}

TEST_CASE("kill-role kills one child, which is replaced") {
    CommandStage stage;
    stage.begin();
    const pid_t before = stage.child().status().pid;
    const auto lines = stage.answer("kill-role", R"({"role": "REG"})");
    REQUIRE(lines.size() == 2);
    CHECK(text_of(lines[0], "pid") == std::to_string(before));
    stage.until([&] { return stage.board->starts == 3 && stage.supervisor->all_ready(); });
    CHECK(stage.child().status().pid != before);
    CHECK_THAT(stage.error("kill-role", R"({"role": "Parent"})", Code::usage), Contains("use 'stop'"));
    CHECK_THAT(stage.error("kill-role", R"({"role": "All"})", Code::usage), Contains("one child"));
    CHECK_THAT(stage.error("kill-role", "{}", Code::usage), Contains("needs the argument 'role'"));
}

TEST_CASE("log-level sets or steps the level of one process or of all [K-15]") {
    CommandStage stage;
    stage.begin();
    auto lines = stage.answer("log-level", R"({"level": 5})");
    REQUIRE(lines.size() == 4);
    for (std::size_t i = 0; i < 3; ++i)
        CHECK(text_of(lines[i], "log_level") == "5");
    CHECK(base::log::level() == LogLevel::notice);
    const auto level_of_reg = [&] {
        const int infos = stage.board->infos;
        stage.child().signal(SIGPWR);
        stage.until([&] { return stage.board->infos == infos + 1; });
        return stage.board->level.load();
    };
    CHECK(level_of_reg() == 5);
    // The parent belongs to all.
    CHECK(stage.answer("log-level", R"({"role": "ALL", "level": 5})").size() == 4);
    CHECK(stage.answer("info", R"({"role": "all"})").size() == 6);
    lines = stage.answer("log-level", R"({"role": "REG", "steps": 3})");
    REQUIRE(lines.size() == 2);
    CHECK(text_of(lines[0], "log_level") == "8");
    CHECK(level_of_reg() == 8);
    CHECK(base::log::level() == LogLevel::notice);
    CHECK(text_of(stage.answer("log-level", R"({"role": "REG", "steps": 6})")[0], "log_level") == "9");
    CHECK(level_of_reg() == 9);
    CHECK(text_of(stage.answer("log-level", R"({"role": "parent", "steps": -1})")[0], "log_level") == "4");
    CHECK(level_of_reg() == 9);
    // A new child runs at the parent's level (K-17), and ps knows it.
    ::kill(stage.child().status().pid, SIGKILL);
    stage.until([&] { return stage.board->starts == 3 && stage.supervisor->all_ready(); });
    CHECK(level_of_reg() == 4);
    CHECK(text_of(stage.answer("ps")[1], "log_level") == "4");
    for (const char* args : {"{}", R"({"level": 5, "steps": 1})"})
        CHECK_THAT(stage.error("log-level", args, Code::usage),
                   Contains("needs one of 'level' (3 to 9) and 'steps'"));
    CHECK_THAT(stage.error("log-level", R"({"level": 10})", Code::usage), Contains("must be 3 to 9"));
    CHECK(base::log::level() == LogLevel::warning);
}

TEST_CASE("log-reopen opens the log anew in all processes [K-18]") {
    CommandStage stage;
    stage.begin();
    std::filesystem::rename(stage.log_path(), stage.log_path() + ".1");
    CHECK(text_of(stage.answer("log-reopen")[0], "reopened") == "true");
    stage.until([&] { return count_of(stage.log(), "LOGS-211-K") == 3; });
}

TEST_CASE("info shows what SIGPWR logs, the children's own words too [K-19]") {
    CommandStage stage;
    stage.begin();
    auto lines = stage.answer("info");
    REQUIRE(lines.size() == 6);
    CHECK_THAT(text_of(lines[0], "line"), Contains("supervisor up pid "));
    CHECK_THAT(text_of(lines[1], "line"), Contains("REG up pid "));
    CHECK_THAT(text_of(lines[2], "line"), Contains("ACR up pid "));
    CHECK(text_of(lines[3], "role") == "REG");
    CHECK(text_of(lines[4], "role") == "ACR");
    CHECK(lines[5].kind == AnswerLine::Kind::end);
    lines = stage.answer("info", R"({"role": "ACR"})");
    REQUIRE(lines.size() == 2);
    CHECK(text_of(lines[0], "line") == "hello");
    CHECK(stage.answer("info", R"({"role": "parent"})").size() == 4);
}
