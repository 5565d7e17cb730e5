#include <catch2/catch.hpp>
#include <thread>

#include "libudpserver/ipc/messages.hpp"
#include "tests/support/process_fixture.hpp"

using namespace process;
using Catch::Matchers::Contains;

namespace {

int serve(ChildRuntime& runtime) {
    runtime.report_ready();
    return runtime.run();
}

[[noreturn]] void hang() {
    for (;;)
        ::pause();
}

pid_t pid_of(Supervisor& supervisor, ipc::Party party) {
    return supervisor.find(party)->status().pid;
}

unsigned restarts_of(Supervisor& supervisor, ipc::Party party) {
    return supervisor.find(party)->status().restarts;
}

}  // namespace

TEST_CASE("one process for each role, and one word when all are ready [K-1]") {
    Stage stage;
    auto& supervisor = stage.make();
    int told = 0;
    supervisor.on_all_ready([&] { ++told; });
    for (auto party : {ipc::Party::reg, ipc::Party::acr, ipc::Party::apr})
        supervisor.add_role(stage.good_role(party));
    CHECK_FALSE(supervisor.all_ready());
    supervisor.start();
    stage.until_ready();
    CHECK(told == 1);
    CHECK(stage.board->starts == 3);
    CHECK(pid_of(supervisor, ipc::Party::reg) != pid_of(supervisor, ipc::Party::acr));
    CHECK(pid_of(supervisor, ipc::Party::acr) != pid_of(supervisor, ipc::Party::apr));
    CHECK(count_of(stage.log(), "UDPS-221-K") == 3);

    ::kill(pid_of(supervisor, ipc::Party::apr), SIGKILL);
    stage.until([&] { return restarts_of(supervisor, ipc::Party::apr) == 1 && supervisor.all_ready(); });
    CHECK(told == 1);
}

TEST_CASE("not ready is not all ready: a child that never says so is waited for") {
    Stage stage;
    auto& supervisor = stage.make();
    bool told = false;
    supervisor.on_all_ready([&] { told = true; });
    supervisor.add_role(stage.good_role());
    supervisor.add_role(
        stage.role([](ChildRuntime& runtime, Board&) { return runtime.run(); }, ipc::Party::acr));
    supervisor.start();
    stage.until([&] { return supervisor.find(ipc::Party::reg)->status().state == ChildState::up; });
    stage.until([&] { return stage.board->starts == 2; });
    CHECK_FALSE(told);
    CHECK(supervisor.find(ipc::Party::acr)->status().state == ChildState::starting);
}

TEST_CASE("a child that is killed is replaced, the other ones stay as they are [K-2][K-4]") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.add_role(stage.good_role(ipc::Party::acr));
    supervisor.start();
    stage.until_ready();
    const pid_t reg = pid_of(supervisor, ipc::Party::reg), acr = pid_of(supervisor, ipc::Party::acr);
    ::kill(acr, SIGKILL);
    stage.until([&] { return restarts_of(supervisor, ipc::Party::acr) == 1 && supervisor.all_ready(); });
    CHECK(pid_of(supervisor, ipc::Party::reg) == reg);
    CHECK(pid_of(supervisor, ipc::Party::acr) != acr);
    CHECK(restarts_of(supervisor, ipc::Party::reg) == 0);
    CHECK_THAT(stage.log(), Contains("UDPS-222-E") && Contains("ACR: exited unexpectedly, pid " +
                                                               std::to_string(acr) + ": signal 9 (Killed)"));
}

TEST_CASE("a child that ends by itself is replaced, also with exit status 0 [K-4]") {
    const int status = GENERATE(0, 7);
    Stage stage;
    stage.board->value = status;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        if (board.starts == 1) return board.value.load();
        return serve(runtime);
    }));
    supervisor.start();
    stage.until_ready();
    CHECK(restarts_of(supervisor, ipc::Party::reg) == 1);
    CHECK_THAT(stage.log(), Contains("exit status " + std::to_string(status)));
    CHECK(supervisor.find(ipc::Party::reg)->status().last_exit->wait_status == status << 8);
    CHECK_THAT(describe(*supervisor.find(ipc::Party::reg), base::MonotonicClock::now()),
               Contains("REG up pid ") && Contains("restarts 1") &&
                   Contains("exit status " + std::to_string(status)));
}

TEST_CASE("an exception in a child is a critical line and exit status 1") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) -> int {
        if (board.starts == 1) throw std::runtime_error("the moon is full");
        if (board.starts == 2) throw 5;
        return serve(runtime);
    }));
    supervisor.start();
    stage.until_ready();
    CHECK_THAT(stage.log(), Contains("UDPS-228-C") && Contains("REG: failed: the moon is full") &&
                                Contains("REG: failed: unknown exception") && Contains("exit status 1"));
    CHECK(restarts_of(supervisor, ipc::Party::reg) == 2);
}

TEST_CASE("a role that dies early is started again after its pause, not before [O-12]") {
    Stage stage;
    auto& supervisor = stage.make();
    auto role = stage.role(
        [](ChildRuntime& runtime, Board& board) { return board.starts == 1 ? 0 : serve(runtime); });
    role.speed = {10s, 300ms, 1s};
    supervisor.add_role(std::move(role));
    const auto began = std::chrono::steady_clock::now();
    supervisor.start();
    stage.until_ready();
    CHECK(std::chrono::steady_clock::now() - began >= 300ms);
    CHECK_THAT(stage.log(), Contains("UDPS-224-N") && Contains("REG: restarting in 300ms"));
}

TEST_CASE("a child that cannot be made is tried again, and is no death") {
    Stage stage;
    stage.settings.max_restarts = {0, 60s};
    auto& supervisor = stage.make();
    auto role = stage.good_role();
    int asked = 0;
    role.keep = [&asked]() -> std::vector<int> {
        if (++asked < 3) throw std::runtime_error("no sockets today");
        return {};
    };
    supervisor.add_role(std::move(role));
    supervisor.start();
    stage.until_ready();
    CHECK(asked == 3);
    CHECK(count_of(stage.log(), "REG: cannot start: no sockets today") >= 1);
    CHECK_THAT(stage.log(), Contains("UDPS-227-E"));
    CHECK(restarts_of(supervisor, ipc::Party::reg) == 0);
}

TEST_CASE("a child that no longer answers is aborted and replaced") {
    Stage stage;
    stage.settings.heartbeat = 200ms;
    stage.settings.ping_interval = 20ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.report_ready();
        if (board.starts <= 2) hang();
        return runtime.run();
    }));
    supervisor.start();
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 2 && supervisor.all_ready(); });
    CHECK_THAT(stage.log(), Contains("UDPS-225-E") && Contains("signal 6 (Aborted) after no heartbeat"));
    CHECK(stage.board->fresh == 0);  // twice so soon after it was ready proves nothing against the sessions
}

TEST_CASE("a hung child that ignores SIGABRT is killed") {
    Stage stage;
    stage.settings.heartbeat = 200ms;
    stage.settings.ping_interval = 20ms;
    stage.settings.core_timeout = 50ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.report_ready();
        std::signal(SIGABRT, SIG_IGN);
        if (board.starts == 1) hang();
        return runtime.run();
    }));
    supervisor.start();
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 1 && supervisor.all_ready(); });
    CHECK_THAT(stage.log(), Contains("signal 9 (Killed) after no heartbeat"));
}

TEST_CASE("a child that hangs before it is ready is replaced, but gets more time") {
    Stage stage;
    stage.settings.heartbeat = 100ms;
    stage.settings.ping_interval = 20ms;
    stage.settings.start_factor = 3;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        if (board.starts == 1) hang();
        return serve(runtime);
    }));
    const auto began = std::chrono::steady_clock::now();
    supervisor.start();
    stage.until_ready();
    CHECK(std::chrono::steady_clock::now() - began >= 300ms);
    CHECK_THAT(stage.log(), Contains("UDPS-225-E"));
    CHECK(stage.board->fresh == 0);
}

TEST_CASE("a role that proves its life later than at once is no hung child; one that never replies is") {
    Stage stage;
    stage.settings.heartbeat = 300ms;
    stage.settings.ping_interval = 20ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        ChildRuntime::Reply kept;
        runtime.on_ping([&](ChildRuntime::Reply reply) {
            ++board.value;
            // Each reply is given one ping later; from the fiftieth on there is none.
            if (kept && board.value < 50) kept();
            kept = std::move(reply);
        });
        return serve(runtime);
    }));
    supervisor.start();
    stage.until([&] { return stage.board->value >= 50; });
    CHECK(restarts_of(supervisor, ipc::Party::reg) == 0);
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 1; });
    CHECK_THAT(stage.log(), Contains("UDPS-225-E"));
}

TEST_CASE("a child that sends what it may not send is replaced") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        if (board.starts == 1) {
            ipc::Encoder packet;
            ipc::encode(packet, {static_cast<std::uint16_t>(ipc::MessageType::stop), 0, 0});
            ipc::send_packet(runtime.parent().descriptor(), packet.data(), {});
        }
        return serve(runtime);
    }));
    supervisor.start();
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 1 && supervisor.all_ready(); });
    CHECK_THAT(stage.log(), Contains("UDPS-310-E") && Contains("REG is not allowed to send stop"));
}

TEST_CASE("malformed messages of the supervisor's own close the link") {
    const auto type = GENERATE(ipc::MessageType::ready, ipc::MessageType::pong);
    Stage stage;
    stage.board->value = static_cast<int>(type);
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        ipc::Encoder body;
        body.u8(1);
        if (board.starts == 1)
            runtime.parent().send(static_cast<ipc::MessageType>(board.value.load()), 0, body);
        return serve(runtime);
    }));
    supervisor.start();
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 1 && supervisor.all_ready(); });
    CHECK_THAT(stage.log(), Contains("malformed " + std::string(ipc::to_string(type))));
}

TEST_CASE("a pong for a ping that was never sent closes the link") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        if (board.starts == 1) runtime.parent().send(ipc::Pong{77});
        return serve(runtime);
    }));
    supervisor.start();
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 1 && supervisor.all_ready(); });
    CHECK_THAT(stage.log(), Contains("malformed pong"));
}

TEST_CASE("a child that closes its link and lives on is killed") {
    Stage stage;
    stage.settings.exit_timeout = 50ms;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        if (board.starts == 1) {
            runtime.parent().close();
            hang();
        }
        return serve(runtime);
    }));
    supervisor.start();
    stage.until_ready();
    CHECK(restarts_of(supervisor, ipc::Party::reg) == 1);
    CHECK_THAT(stage.log(), Contains("signal 9 (Killed)"));
}

TEST_CASE("after ten crashes soon after ready the next child starts afresh, once") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.report_ready();
        if (board.starts <= 11) ::raise(SIGSEGV);
        return runtime.run();
    }));
    supervisor.start();
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 11 && supervisor.all_ready(); });
    CHECK(stage.board->fresh == 1);
    CHECK(count_of(stage.log(), "UDPP-212-W") == 1);
    CHECK_THAT(stage.log(), Contains("signal 11"));

    ::kill(pid_of(supervisor, ipc::Party::reg), SIGKILL);
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 12 && supervisor.all_ready(); });
    CHECK(stage.board->fresh == 1);
    CHECK(count_of(stage.log(), "UDPP-212-W") == 1);
}

TEST_CASE("however often REG is killed from outside, the sessions are kept") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.good_role());
    supervisor.start();
    for (unsigned i = 0; i < 10; ++i) {
        stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == i && supervisor.all_ready(); });
        ::kill(pid_of(supervisor, ipc::Party::reg), i % 2 ? SIGKILL : SIGTERM);
    }
    stage.until([&] { return restarts_of(supervisor, ipc::Party::reg) == 10; });
    CHECK(stage.board->fresh == 0);
    CHECK(count_of(stage.log(), "UDPP-212-W") == 0);
}

TEST_CASE("messages that the supervisor does not know go to who wants them, answers come back") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.on(ipc::MessageType::pool_request, [](Child& child, ipc::Message& message) {
        const auto request = ipc::read<ipc::PoolRequest>(message);
        const int fd = STDIN_FILENO;
        child.send(ipc::PoolSockets{request->group, request->worker, 64, 1, 0}, message.id,
                   std::span(&fd, 1));
    });
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board& board) {
        runtime.on(ipc::MessageType::pool_sockets, [&](ipc::Message& message) {
            const auto sockets = ipc::read<ipc::PoolSockets>(message);
            if (sockets && message.id == 9) board.value = static_cast<int>(sockets->first_index);
        });
        runtime.parent().send(ipc::PoolRequest{1, 0, 1}, 9);
        return serve(runtime);
    }));
    supervisor.start();
    stage.until([&] { return stage.board->value == 64; });
    CHECK(supervisor.find(ipc::Party::apr) == nullptr);
}

TEST_CASE("a message without a handler has no effect") {
    Stage stage;
    auto& supervisor = stage.make();
    supervisor.add_role(stage.role([](ChildRuntime& runtime, Board&) {
        runtime.parent().send(ipc::PoolRequest{1, 0, 1}, 9);
        return serve(runtime);
    }));
    supervisor.start();
    stage.until_ready();
    CHECK_THAT(stage.log(), Contains("pool-request from REG: unhandled message"));
}
