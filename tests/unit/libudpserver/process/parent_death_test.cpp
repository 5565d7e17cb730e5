#include <catch2/catch.hpp>

#include "tests/support/process_fixture.hpp"

using namespace process;

namespace {

/// Forks a whole proxy of two children; the test becomes the parent of what it leaves behind.
struct Orphanage {
    Stage stage;
    pid_t parent = -1;
    std::atomic<int>* pids;  ///< of the children

    template <typename MakeRole>
    explicit Orphanage(MakeRole make_role) {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        pids = static_cast<std::atomic<int>*>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
        parent = ::fork();
        if (parent == 0) run_parent(make_role);
        const auto deadline = std::chrono::steady_clock::now() + 10s;
        while (pids[1] == 0 && std::chrono::steady_clock::now() < deadline)
            ::usleep(1000);
        REQUIRE(pids[1] != 0);
    }
    ~Orphanage() {
        ::prctl(PR_SET_CHILD_SUBREAPER, 0);
        ::munmap(pids, 4096);
    }

    template <typename MakeRole>
    [[noreturn]] void run_parent(MakeRole make_role) {
        boost::asio::io_context io;
        base::SignalInbox inbox;
        Supervisor supervisor(io, stage.settings, inbox);
        supervisor.add_role(make_role(stage, ipc::Party::reg));
        supervisor.add_role(make_role(stage, ipc::Party::acr));
        supervisor.on_all_ready([&] {
            pids[0] = supervisor.children()[0]->status().pid;
            pids[1] = supervisor.children()[1]->status().pid;
        });
        supervisor.start();
        io.run();
        ::_exit(0);
    }
};

}  // namespace

TEST_CASE("children of a parent that is killed close their sessions and end within a second [K-8][K-23]") {
    Orphanage home([](Stage& stage, ipc::Party party) { return stage.good_role(party); });
    ::kill(home.parent, SIGKILL);
    const auto began = std::chrono::steady_clock::now();
    CHECK(wait_for(home.parent) == 1000 + SIGKILL);
    CHECK(wait_for(home.pids[0], 2s) == 0);
    CHECK(wait_for(home.pids[1], 2s) == 0);
    CHECK(std::chrono::steady_clock::now() - began < 1s);
    CHECK(home.stage.board->stops == 2);
    CHECK(home.stage.board->ends == 0);
}

TEST_CASE("a child that hangs dies with its parent all the same [K-8]") {
    Orphanage home([](Stage& stage, ipc::Party party) {
        return stage.role(
            [](ChildRuntime& runtime, Board&) {
                std::signal(SIGTERM, SIG_DFL);
                runtime.report_ready();
                for (;;)
                    ::pause();
                return 0;
            },
            party);
    });
    ::kill(home.parent, SIGKILL);
    CHECK(wait_for(home.parent) == 1000 + SIGKILL);
    CHECK(wait_for(home.pids[0], 2s) == 1000 + SIGTERM);
    CHECK(wait_for(home.pids[1], 2s) == 1000 + SIGTERM);
}

TEST_CASE("a child that is stopped or busy does not outlive its parent [E-4]") {
    const bool stopped = GENERATE(true, false);
    Orphanage home([stopped](Stage& stage, ipc::Party party) {
        if (stopped) return stage.good_role(party);
        return stage.role(
            [](ChildRuntime& runtime, Board&) {
                runtime.report_ready();
                for (;;)
                    ::pause();  // signals are counted, and never acted on
                return 0;
            },
            party);
    });
    for (int i = 0; stopped && i < 2; ++i)
        ::kill(home.pids[i], SIGSTOP);
    ::kill(home.parent, SIGKILL);
    CHECK(wait_for(home.parent) == 1000 + SIGKILL);
    CHECK(wait_for(home.pids[0], 5s) == (stopped ? 0 : 1000 + SIGKILL));
    CHECK(wait_for(home.pids[1], 5s) == (stopped ? 0 : 1000 + SIGKILL));
    CHECK(home.stage.board->stops == (stopped ? 2 : 0));
}
