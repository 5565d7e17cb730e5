#include <catch2/catch.hpp>

#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

pid_t running(Supervisor& supervisor, ipc::Party party) {
    return supervisor.find(party)->status().pid;
}

unsigned restarted(Supervisor& supervisor, ipc::Party party) {
    return supervisor.find(party)->status().restarts;
}

}  // namespace

TEST_CASE("too many deaths end the proxy with one critical line and exit status 1 [K-5]") {
    Stage stage;
    stage.settings.max_restarts = {3, 60s};
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime&, Board&) { return 0; }));
    supervisor.add_role(stage.good_role(ipc::Party::acr));
    supervisor.start();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 1);
    CHECK(count_of(stage.log(), "UDPS-510-C") == 1);
    CHECK(supervisor.find(ipc::Party::reg)->status().restarts == 3);
    CHECK(stage.board->stops == 1);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
}

TEST_CASE("a crash loop delays restarts, and one critical line says so [E-2]") {
    Stage stage;
    stage.settings.max_restarts = {3, 60s};
    stage.settings.ends_in_crash_loop = false;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    for (unsigned count = 0; count < 4; ++count) {
        stage.until_ready();
        CHECK_FALSE(supervisor.is_degraded());
        ::kill(running(supervisor, ipc::Party::reg), SIGKILL);
        stage.until([&] { return !supervisor.find(ipc::Party::reg)->is_running(); });
    }
    CHECK(supervisor.is_degraded());
    CHECK_THAT(supervisor.info_lines(base::MonotonicClock::now()).front(), Contains("supervisor degraded"));
    CHECK_THAT(stage.log(), Contains("REG: restarting in 1s"));
    CHECK(count_of(stage.log(), "UDPS-510-C") == 1);
    CHECK_FALSE(supervisor.is_stopping());
}

TEST_CASE("a crash loop is over when nothing has crashed for its time [E-2]") {
    Stage stage;
    stage.settings.max_restarts = {0, 50ms};
    stage.settings.ends_in_crash_loop = false;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    ::kill(running(supervisor, ipc::Party::reg), SIGKILL);
    stage.until([&] { return supervisor.is_degraded(); });
    stage.until([&] { return !supervisor.is_degraded(); });
    CHECK(supervisor.all_ready());
    CHECK(count_of(stage.log(), "UDPS-511-K") == 1);
}

TEST_CASE("a role that may crash never makes a crash loop [E-2]") {
    Stage stage;
    stage.settings.max_restarts = {0, 60s};
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    auto role = stage.good_role(ipc::Party::acr);
    role.may_crash = true;
    supervisor.add_role(std::move(role));
    supervisor.start();
    for (unsigned count = 1; count < 5; ++count) {
        stage.until_ready();
        ::kill(running(supervisor, ipc::Party::acr), SIGKILL);
        stage.until([&] { return restarted(supervisor, ipc::Party::acr) == count; });
    }
    stage.until_ready();
    CHECK_FALSE(supervisor.is_degraded());
    CHECK_FALSE(supervisor.is_stopping());
}

TEST_CASE("the failure of a child ends a start that is not complete, with its reason [E-13]") {
    const bool explains = GENERATE(true, false);
    Stage stage;
    stage.settings.start_may_fail = false;
    stage.board->value = explains;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime&, Board& board) -> int {
        if (board.value) throw std::runtime_error("the moon is full");
        std::abort();
    }));
    supervisor.start();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 1);
    CHECK(supervisor.start_failure() == (explains ? "REG: the moon is full" : "REG: signal 6 (Aborted)"));
    CHECK(stage.board->starts == 1);
}

TEST_CASE(
    "[E-13] no process can be made at the start: it is given up with the reason; later it is tried again") {
    const bool later = GENERATE(false, true);
    Stage stage;
    stage.settings.start_may_fail = false;
    auto& supervisor = stage.make();
    process::Role role = stage.good_role();
    bool fails = !later;
    role.keep = [&fails]() -> std::vector<int> {
        if (fails) throw std::runtime_error("out of processes");
        return {};
    };
    supervisor.add_role(std::move(role));
    supervisor.start();
    if (!later) {
        CHECK(supervisor.start_failure() == "REG: cannot start: out of processes");
        CHECK(supervisor.is_stopping());
        return;
    }
    stage.until_ready();
    const process::Child& child = *supervisor.find(ipc::Party::reg);
    const pid_t old = child.status().pid;
    fails = true;
    ::kill(old, SIGKILL);
    stage.until([&] { return count_of(stage.log(), "REG: cannot start: out of processes") > 1; });
    CHECK_FALSE(supervisor.is_stopping());
    fails = false;
    stage.until([&] { return supervisor.all_ready(); });
    CHECK(supervisor.all_ready());
}
