#include <catch2/catch.hpp>

#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

bool no_child_left() {
    return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

// Runs, but does not exit on a stop.
Role deaf_role(Stage& stage, bool ignores_term) {
    stage.board->value = ignores_term;
    return stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.on_stop([&] { ++board.stops; });
        if (board.value)
            std::signal(SIGTERM, SIG_IGN);
        else
            std::signal(SIGTERM, SIG_DFL);
        runtime.report_ready();
        return runtime.run();
    });
}

}  // namespace

TEST_CASE("a stop tells every child, waits for it, and exits with 0 [K-7][K-9]") {
    Stage stage;
    stage.settings.max_restarts = {0, 60s};
    auto& supervisor = stage.make();
    for (auto party : {ipc::Party::reg, ipc::Party::acr, ipc::Party::apr})
        supervisor.add_role(stage.good_role(party));
    supervisor.start();
    stage.until_ready();
    CHECK_FALSE(supervisor.exit_status());
    supervisor.stop();
    CHECK(supervisor.is_stopping());
    CHECK_FALSE(supervisor.exit_status());
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->stops == 3);
    CHECK(stage.board->starts == 3);
    CHECK(stage.board->ends == 0);
    CHECK(no_child_left());
    const auto log = stage.log();
    CHECK(count_of(log, "UDPS-223-K") == 3);
    CHECK(count_of(log, "UDPS-222-E") == 0);
    CHECK(count_of(log, "UDPS-510-C") == 0);
    CHECK(count_of(log, "UDPS-211-K") == 1);
    CHECK(count_of(log, "UDPS-212-K") == 1);
}

TEST_CASE("every signal that ends does so at once, with exit status 0 [K-21]") {
    const int number = GENERATE(SIGHUP, SIGTERM, SIGINT, SIGQUIT);
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    ::kill(::getpid(), number);
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->stops == 1);
    CHECK(no_child_left());
    CHECK_THAT(stage.log(),
               Contains("UDPS-230-K") && Contains(base::signal_name(number) + ": shutting down"));
}

TEST_CASE("a child that does not stop gets SIGTERM after the configured time [K-7]") {
    Stage stage;
    stage.settings.stop_timeout = 100ms;
    stage.settings.exit_timeout = 60s;
    auto& supervisor = stage.make();
    supervisor.add_role(deaf_role(stage, false));
    supervisor.start();
    stage.until_ready();
    const auto began = std::chrono::steady_clock::now();
    supervisor.stop();
    stage.until_finished();
    CHECK(std::chrono::steady_clock::now() - began >= 100ms);
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->stops == 1);
    CHECK_THAT(stage.log(), Contains("UDPS-226-W") && Contains("signal 15 (Terminated)"));
}

TEST_CASE("a child that ignores SIGTERM as well is killed [K-7]") {
    Stage stage;
    stage.settings.stop_timeout = 50ms;
    stage.settings.exit_timeout = 50ms;
    auto& supervisor = stage.make();
    supervisor.add_role(deaf_role(stage, true));
    supervisor.start();
    stage.until_ready();
    supervisor.stop();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK_THAT(stage.log(), Contains("signal 9 (Killed)"));
    CHECK(no_child_left());
}

TEST_CASE("the second signal that ends kills at once, and the exit status is 0 all the same") {
    Stage stage;  // its stop timeout is a minute
    auto& supervisor = stage.make();
    supervisor.add_role(deaf_role(stage, true));
    supervisor.start();
    stage.until_ready();
    ::kill(::getpid(), SIGTERM);
    stage.until([&] { return stage.board->stops == 1; });
    CHECK_FALSE(supervisor.exit_status());
    ::kill(::getpid(), SIGTERM);
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK_THAT(stage.log(), Contains("signal 9 (Killed)"));
}

TEST_CASE("two different ending signals at once are one stop in order, the weaker one is logged [O-5]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    {
        const base::BlockSignals together;
        ::kill(::getpid(), SIGHUP);
        ::kill(::getpid(), SIGTERM);
    }
    stage.until_finished();
    CHECK(stage.board->stops == 1);
    CHECK_THAT(stage.log(), Contains("UDPS-231-N") && Contains("HUP: ignored, TERM arrived with it"));
}

TEST_CASE("a stop while a child waits for its restart does not start it [K-9]") {
    Stage stage;
    auto& supervisor = stage.make();
    auto role = stage.role([](ChildRuntime&, Board&) { return 0; });
    role.speed = {1h, 100ms, 1h};
    supervisor.add_role(std::move(role));
    supervisor.start();
    stage.until([&] { return supervisor.children()[0]->status().ended.has_value(); });
    supervisor.stop();
    stage.until_finished();
    const auto later = std::chrono::steady_clock::now() + 200ms;
    stage.until([&] { return std::chrono::steady_clock::now() >= later; });
    CHECK(stage.board->starts == 1);
    CHECK(supervisor.exit_status() == 0);
}

TEST_CASE("a stop right after the start finds children that are not ready") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    supervisor.stop();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->stops == 1);
    CHECK(no_child_left());
}

TEST_CASE("a child that crashes during the stop is neither restarted nor counted [K-9]") {
    Stage stage;
    stage.settings.max_restarts = {0, 60s};
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board&) {
        runtime.on_stop([] { ::raise(SIGSEGV); });
        runtime.report_ready();
        return runtime.run();
    }));
    supervisor.start();
    stage.until_ready();
    supervisor.stop();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->starts == 1);
    CHECK(count_of(stage.log(), "UDPS-222-E") == 0);
}

TEST_CASE("a child that is being killed for a fault when the stop comes is not replaced [K-9]") {
    Stage stage;
    stage.settings.heartbeat = 100ms;
    stage.settings.ping_interval = 20ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board&) {
        std::signal(SIGABRT, SIG_IGN);
        runtime.report_ready();
        for (;;)
            ::pause();
        return 0;
    }));
    supervisor.start();
    stage.until([&] { return supervisor.children()[0]->status().state == ChildState::failing; });
    supervisor.stop();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->starts == 1);
}

TEST_CASE("a supervisor without roles finishes immediately and stops the loop") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.start();
    supervisor.stop();
    stage.io.run_for(10s);
    CHECK(stage.io.stopped());
    CHECK(supervisor.exit_status() == 0);
}

TEST_CASE("a supervisor that has ended leaves signals to its successor") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.start();
    supervisor.stop();
    stage.until_finished();
    supervisor.stop();
    CHECK(supervisor.exit_status() == 0);
    ::kill(::getpid(), SIGTERM);
    CHECK(stage.inbox.take().end == SIGTERM);
}
