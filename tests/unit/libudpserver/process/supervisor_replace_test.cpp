#include "tests/support/process_fixture.hpp"

using process::ChildRuntime;
using process::ChildState;

namespace {

process::Child& reg(Stage& stage) {
    return *stage.supervisor->find(ipc::Party::reg);
}

/// Up, and another process than that one.
void until_other(Stage& stage, pid_t old) {
    stage.until([&] { return reg(stage).status().pid != old && stage.supervisor->all_ready(); });
}

}  // namespace

TEST_CASE("a replaced child leaves its work, and the next one starts at once: that is no death") {
    Stage stage;
    stage.settings.max_restarts = {1, 60s};
    auto& supervisor = stage.make();
    int gone = 0;
    supervisor.on_child_exit([&](process::Child&) { ++gone; });
    process::Role role = stage.good_role();
    role.speed = {60s, 60s, 60s};  // a death would be punished
    supervisor.add_role(std::move(role));
    supervisor.start();
    stage.until_ready();
    for (int round = 1; round <= 5; ++round) {
        const pid_t old = reg(stage).status().pid;
        supervisor.replace(ipc::Party::reg);
        CHECK(reg(stage).status().state == ChildState::replacing);
        until_other(stage, old);
        CHECK(stage.board->ends == round);
        CHECK(stage.board->starts == round + 1);
        CHECK(gone == round);
    }
    CHECK(stage.board->stops == 0);
    CHECK(stage.board->fresh == 0);
    CHECK(reg(stage).status().restarts == 0);
    CHECK(count_of(stage.log(), "UDPS-213-K") == 5);
    CHECK(count_of(stage.log(), "UDPS-222-E") == 0);
}

TEST_CASE("replaced twice in a row, and while it starts: one newer process each time it has left") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    supervisor.replace(ipc::Party::reg);
    supervisor.replace(ipc::Party::reg);
    stage.until_ready();
    const pid_t old = reg(stage).status().pid;
    supervisor.replace(ipc::Party::reg);
    supervisor.replace(ipc::Party::reg);
    until_other(stage, old);
    CHECK(stage.board->starts == 3);
}

TEST_CASE("one that is down after a death starts at once when it is replaced") {
    Stage stage;
    auto& supervisor = stage.make();
    process::Role role = stage.good_role();
    role.speed = {3600s, 3600s, 3600s};
    supervisor.add_role(std::move(role));
    supervisor.start();
    stage.until_ready();
    reg(stage).signal(SIGKILL);
    stage.until([&] { return reg(stage).status().state == ChildState::down; });
    supervisor.replace(ipc::Party::reg);
    stage.until_ready();
    CHECK(stage.board->starts == 2);
}

TEST_CASE("one that does not leave is killed and replaced all the same") {
    Stage stage;
    stage.settings.exit_timeout = 20ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.on_leave([&] { ++board.ends; });
        runtime.report_ready();
        return runtime.run();
    }));
    supervisor.start();
    stage.until_ready();
    const pid_t old = reg(stage).status().pid;
    supervisor.replace(ipc::Party::reg);
    until_other(stage, old);
    CHECK(count_of(stage.log(), "SIGKILL") == 1);
    supervisor.stop();
    supervisor.stop();
    stage.until_finished();
}

TEST_CASE(
    "the proxy ends while a child is being replaced: no new one, and nobody thinks that it has closed its "
    "work") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    supervisor.replace(ipc::Party::reg);
    supervisor.stop();
    supervisor.replace(ipc::Party::reg);
    stage.until_finished();
    CHECK(stage.board->starts == 1);
    CHECK(reg(stage).status().left);
    CHECK(supervisor.exit_status() == 0);
}

TEST_CASE("a role is added and removed while the others run") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    for (int round = 1; round <= 3; ++round) {
        supervisor.add_role(stage.good_role(ipc::Party::acr));
        stage.until_ready();
        supervisor.remove_role(ipc::Party::acr);
        CHECK(supervisor.find(ipc::Party::acr) == nullptr);
        CHECK(supervisor.all_ready());
        stage.until([&] { return stage.board->stops == round; });
    }
    supervisor.add_role(stage.good_role(ipc::Party::acr));
    supervisor.remove_role(ipc::Party::acr);
    supervisor.add_role(stage.good_role(ipc::Party::acr));  // before the old one has ended
    stage.until_ready();
    supervisor.remove_role(ipc::Party::apr);  // there is none
    supervisor.remove_role(ipc::Party::acr);
    supervisor.stop();
    stage.until_finished();
    CHECK(supervisor.exit_status() == 0);
    CHECK(stage.board->ends == 0);
}

TEST_CASE("limits that are adjusted hold for the next death") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    process::Settings settings = stage.settings;
    settings.max_restarts = {0, 60s};
    supervisor.adjust(settings);
    reg(stage).signal(SIGKILL);
    stage.until_finished();
    CHECK(supervisor.exit_status() == 1);
}

TEST_CASE("a pause: children leave their work, none is started until it is over, and no death is counted") {
    Stage stage;
    stage.settings.max_restarts = {0, 60s};
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    for (int round = 1; round <= 3; ++round) {
        bool paused = false;
        supervisor.pause(process::Supervisor::Pause::leave, [&] { paused = true; });
        supervisor.pause(process::Supervisor::Pause::leave, [] { FAIL("it pauses already"); });
        CHECK_FALSE(paused);
        stage.until([&] { return paused; });
        CHECK(supervisor.is_paused());
        CHECK(stage.board->ends == round);
        supervisor.replace(ipc::Party::reg);
        CHECK_FALSE(reg(stage).is_running());
        supervisor.resume();
        stage.until_ready();
        CHECK(stage.board->starts == round + 1);
    }
    CHECK(stage.board->stops == 0);
    CHECK(stage.board->fresh == 0);
    CHECK(reg(stage).status().restarts == 0);
}

TEST_CASE("[E-1] a pause is over before the child has left: it leaves, and the next one starts") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    const pid_t old = reg(stage).status().pid;
    supervisor.pause(process::Supervisor::Pause::leave, [] { FAIL("the pause is over"); });
    supervisor.resume();
    until_other(stage, old);
    CHECK(stage.board->ends == 1);
    CHECK(stage.board->starts == 2);
    CHECK(reg(stage).status().restarts == 0);
}

TEST_CASE("a pause in which children end their work in order") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    bool paused = false;
    supervisor.pause(process::Supervisor::Pause::stop, [&] { paused = true; });
    stage.until([&] { return paused; });
    CHECK(stage.board->stops == 1);
    CHECK(stage.board->ends == 0);
}

TEST_CASE("the proxy ends in a pause, before all children have left and after it") {
    const bool gone = GENERATE(false, true);
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    stage.until_ready();
    bool paused = false;
    supervisor.pause(process::Supervisor::Pause::leave, [&] { paused = true; });
    if (gone) stage.until([&] { return paused; });
    supervisor.stop();
    supervisor.resume();
    stage.until_finished();
    CHECK(paused == gone);
    CHECK(stage.board->starts == 1);
    CHECK(supervisor.exit_status() == 0);
}

TEST_CASE("a child that does not leave for a pause is killed") {
    Stage stage;
    stage.settings.exit_timeout = 20ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.on_leave([&] { ++board.ends; });
        runtime.report_ready();
        return runtime.run();
    }));
    supervisor.start();
    stage.until_ready();
    bool paused = false;
    supervisor.pause(process::Supervisor::Pause::leave, [&] { paused = true; });
    stage.until([&] { return paused; });
    CHECK(count_of(stage.log(), "SIGKILL") == 1);
}
