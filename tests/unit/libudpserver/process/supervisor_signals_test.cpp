#include <boost/asio/steady_timer.hpp>
#include <catch2/catch.hpp>

#include "tests/support/process_fixture.hpp"

using namespace process;
using base::LogLevel;
using Catch::Matchers::Contains;

namespace {

/// Shows its log level on the board all the time, and ends in order.
Role level_role(Stage& stage, ipc::Party party = ipc::Party::reg) {
    return stage.role(
        [](ChildRuntime& runtime, Board& board) {
            boost::asio::steady_timer timer(runtime.io());
            std::function<void()> show = [&] {
                board.level = static_cast<int>(base::log::level());
                timer.expires_after(2ms);
                timer.async_wait([&](boost::system::error_code) { show(); });
            };
            show();
            runtime.on_info([&] { ++board.infos; });
            runtime.on_leave([&] {
                ++board.ends;
                runtime.finish(0);
            });
            runtime.report_ready();
            return runtime.run();
        },
        party);
}

pid_t pid_of(Stage& stage) {
    return stage.supervisor->children()[0]->status().pid;
}

}  // namespace

TEST_CASE("USR1 and USR2 to the parent change its level and its children's [K-15]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.start();
    stage.until_ready();
    REQUIRE(base::log::level() == LogLevel::debug);
    ::kill(::getpid(), SIGUSR1);
    stage.until([&] { return base::log::level() == LogLevel::trace && stage.board->level == 8; });
    ::kill(::getpid(), SIGUSR2);
    stage.until([&] { return base::log::level() == LogLevel::debug && stage.board->level == 7; });
    // A line for each change in each process (K-16); a child writes its lines when its log's thread comes to
    // it.
    stage.until([&] { return count_of(stage.log(), "LOGS-210-K") >= 4; });
    const auto log = stage.log();
    CHECK_THAT(log, Contains("USR1: log level") && Contains("UDPS-232-D") &&
                        Contains("USR1: relayed to REG, pid " + std::to_string(pid_of(stage))));
    CHECK(count_of(log, "LOGS-210-K") == 4);
}

TEST_CASE("USR1 and USR2 to a child change only its level [K-14]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.start();
    stage.until_ready();
    ::kill(pid_of(stage), SIGUSR1);
    stage.until([&] { return stage.board->level == 8; });
    CHECK(base::log::level() == LogLevel::debug);
    ::kill(pid_of(stage), SIGUSR2);
    stage.until([&] { return stage.board->level == 7; });
    ::kill(pid_of(stage), SIGUSR2);
    stage.until([&] { return stage.board->level == 6; });
    CHECK(base::log::level() == LogLevel::debug);
}

TEST_CASE("a child that is restarted after a change of the level runs at the supervisor's [K-17]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.start();
    stage.until_ready();
    ::kill(pid_of(stage), SIGUSR2);
    stage.until([&] { return stage.board->level == 6; });
    ::kill(pid_of(stage), SIGKILL);
    stage.until([&] { return stage.board->starts == 2 && stage.board->level == 7; });
}

TEST_CASE("WINCH: parent and children write to the new file after a rename [K-18]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.start();
    stage.until_ready();
    std::filesystem::rename(stage.log_path(), stage.log_path() + ".1");
    ::kill(::getpid(), SIGWINCH);
    stage.until([&] {
        return std::filesystem::exists(stage.log_path()) && count_of(stage.log(), "LOGS-211-K") == 2;
    });
    ::kill(pid_of(stage), SIGUSR1);
    stage.until([&] { return count_of(stage.log(), "LOGS-210-K") == 1; });
    CHECK(count_of(read_text(stage.log_path() + ".1"), "LOGS-210-K") == 0);
}

TEST_CASE("INFO: the parent logs its children, and each child logs its own [K-19][K-20]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.add_role(level_role(stage, ipc::Party::acr));
    supervisor.start();
    stage.until_ready();
    ::kill(::getpid(), SIGPWR);
    stage.until([&] { return stage.board->infos == 2; });
    const auto log = stage.log();
    CHECK_THAT(log, Contains("UDPS-240-I") && Contains("supervisor up pid " + std::to_string(::getpid())));
    CHECK_THAT(log, Contains("REG up pid " + std::to_string(pid_of(stage)) + " for ") &&
                        Contains("restarts 0") && Contains("ACR up pid "));
    CHECK(supervisor.all_ready());
    CHECK_FALSE(supervisor.is_stopping());

    ::kill(pid_of(stage), SIGPWR);
    stage.until([&] { return stage.board->infos == 3; });
}

TEST_CASE("an ending signal to a child ends that child, it is replaced and counted [K-22]") {
    const int number = GENERATE(SIGHUP, SIGTERM, SIGINT, SIGQUIT);
    Stage stage;
    stage.settings.max_restarts = {1, 60s};
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    ::kill(pid_of(stage), number);
    stage.until([&] { return stage.board->starts == 2 && supervisor.all_ready(); });
    CHECK(stage.board->ends == 1);  // not stops: the next one adopts the sessions
    CHECK(stage.board->stops == 0);
    CHECK_FALSE(supervisor.is_stopping());
    ::kill(pid_of(stage), number);
    stage.until_finished();
    CHECK(supervisor.exit_status() == 1);
    CHECK(count_of(stage.log(), "UDPS-510-C") == 1);
}

TEST_CASE("PIPE harms neither the parent nor a child") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.start();
    stage.until_ready();
    ::kill(::getpid(), SIGPIPE);
    ::kill(pid_of(stage), SIGPIPE);
    ::kill(pid_of(stage), SIGUSR1);
    stage.until([&] { return stage.board->level == 8; });
    CHECK(stage.board->starts == 1);
}

TEST_CASE("signals that reach a newborn before it has its handlers are kept for it") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(level_role(stage));
    supervisor.start();
    ::kill(pid_of(stage), SIGUSR1);  // start() has forked, the child has hardly begun
    stage.until([&] { return stage.board->level == 8; });
    CHECK(stage.board->starts == 1);
}
