#include <memory>
#include <vector>

#include "tests/support/process_fixture.hpp"
#include "tests/support/unkillable.hpp"

using process::ChildState;
using process::Unreaped;

namespace {

/// One REG, whose processes leave when asked to, but can be held on their way out.
struct Held {
    Stage stage;
    process::Supervisor& supervisor;
    std::vector<std::unique_ptr<Unkillable>> held;

    Held() : supervisor(make(stage)) {
        supervisor.add_role(stage.good_role());
        supervisor.start();
        stage.until_ready();
    }
    static process::Supervisor& make(Stage& stage) {
        stage.settings.exit_timeout = stage.settings.kill_timeout = 50ms;
        stage.settings.stop_timeout = 50ms;
        return stage.make();
    }
    const process::ChildStatus& reg() { return supervisor.find(ipc::Party::reg)->status(); }
    bool hold() {
        held.push_back(std::make_unique<Unkillable>(reg().pid));
        if (!held.back()->is_held()) WARN("this user may not trace");
        return held.back()->is_held();
    }
    void until_starts(int count) {
        stage.until([&] { return stage.board->starts == count && supervisor.all_ready(); });
    }
    void until_unreaped(std::size_t count) {
        stage.until([&] { return supervisor.unreaped().size() == count; });
    }
    /// After the shutdown no signal is read.
    void until_reaped() {
        stage.until([&] {
            supervisor.unreaped().reap();
            return supervisor.unreaped().size() == 0;
        });
    }
};

}  // namespace

TEST_CASE("the next child starts although the kernel does not let the old one exit [E-6]") {
    Held one;
    const pid_t old = one.reg().pid;
    if (!one.hold()) return;
    one.supervisor.replace(ipc::Party::reg);
    one.until_starts(2);
    CHECK(one.reg().pid != old);
    CHECK(one.supervisor.unreaped().size() == 1);
    CHECK(count_of(one.stage.log(), "UDPS-233-E") == 1);
    one.held.clear();
    one.until_unreaped(0);
    CHECK(one.stage.board->starts == 2);
}

TEST_CASE("after three that do not exit the next one waits, but no shutdown does [E-6]") {
    Held one;
    for (int round = 1; round <= static_cast<int>(Unreaped::max); ++round) {
        if (!one.hold()) return;
        one.supervisor.replace(ipc::Party::reg);
        one.until_starts(round + 1);
    }
    if (!one.hold()) return;
    one.supervisor.replace(ipc::Party::reg);
    one.stage.until([&] { return count_of(one.stage.log(), "SIGKILL") == 4; });
    one.stage.io.run_for(200ms);
    CHECK(one.reg().state == ChildState::replacing);
    CHECK(one.stage.board->starts == 4);
    one.held.front()->release();
    one.until_starts(5);
    CHECK(one.supervisor.unreaped().size() == 3);
    if (!one.hold()) return;
    one.supervisor.stop();
    one.stage.until_finished();
    CHECK(one.supervisor.unreaped().size() == 4);
    one.held.clear();
    one.until_reaped();
}

TEST_CASE("a shutdown does not wait for a child that the kernel does not let exit [E-6]") {
    Held one;
    if (!one.hold()) return;
    one.supervisor.stop();
    one.stage.until_finished();
    CHECK(one.supervisor.exit_status() == 0);
    CHECK_FALSE(one.reg().last_exit->is_finished());
    CHECK(one.supervisor.unreaped().size() == 1);
    one.held.clear();
    one.until_reaped();
}
