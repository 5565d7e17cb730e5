#include "proxyd/commands/control_forward.hpp"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/libudpserver/control/control_fixture.hpp"

using namespace control;
using namespace process;
using namespace proxyd;
using Catch::Matchers::Contains;
using control::Code;

namespace {

/// What a child of these tests does with a question; nothing: it stays silent.
using Reply = std::function<std::optional<ipc::QueryResult>(const ipc::Query&, Board&)>;

struct ForwardStage : ControlStage {
    std::unique_ptr<ControlForward> forward;

    /// `ask` goes to a REG that replies so; there is no ACR.
    void begin(Reply reply, base::Duration patience = 10s) {
        auto& parent = make();
        parent.add_role(asked_role(std::move(reply)));
        forward = std::make_unique<ControlForward>(io, parent, patience);
        serve();
        server->add("ask", Access::read, forward->to(ipc::Party::reg));
        server->add("names", Access::read, forward->to(ipc::Party::acr));
        parent.start();
        until_ready();
    }
    ~ForwardStage() { server.reset(); }

    pid_t reg() { return supervisor->find(ipc::Party::reg)->status().pid; }
    /// The answer to one request, as text.
    std::string answer(const std::string& command) {
        auto caller = call();
        caller.ask(command);
        until_ends(caller, 1);
        return caller.text();
    }

    Role asked_role(Reply reply) {
        return role([reply = std::move(reply)](ChildRuntime& runtime, Board& shown) {
            runtime.on(ipc::MessageType::query, [&](ipc::Message& message) {
                const auto query = ipc::read<ipc::Query>(message);
                ++shown.value;
                if (const auto result = reply(*query, shown)) runtime.parent().send(*result, message.id);
            });
            runtime.on_stop([&] { runtime.finish(0); });
            runtime.report_ready();
            return runtime.run();
        });
    }
};

std::string numbered(std::uint64_t n) {
    return "{\"n\":" + std::to_string(n) + "}\n";
}

}  // namespace

TEST_CASE("a child gets the request, and its rows reach the client as they are") {
    ForwardStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        CHECK(query.cursor == 0);
        return ipc::QueryResult{0, "{\"you\":" + query.text + "}\n{\"strange\" rows: too"};
    });
    auto caller = stage.call();
    caller.say("{ \"args\": {\"from\": \"10.0.0.0/8\"},\"command\" : \"ask\"}\n");
    stage.until_ends(caller, 2);
    CHECK(caller.text() ==
          "{\"you\":{\"command\":\"ask\",\"args\":{\"from\":\"10.0.0.0/8\"}}}\n"
          "{\"strange\" rows: too\n{\"end\":true}\n");
}

TEST_CASE("a long answer is fetched piece by piece, no faster than the client reads [O-51]") {
    ForwardStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        std::string rows;
        for (int i = 0; i < 100; ++i)
            rows += "{\"n\":" + std::to_string(query.cursor * 100 + static_cast<unsigned>(i)) +
                    ",\"pad\":\"" + std::string(100, 'x') + "\"}\n";
        return ipc::QueryResult{query.cursor == 199 ? 0 : query.cursor + 1, rows};
    });
    auto lazy = stage.call();
    lazy.ask("ask");
    stage.until([&] { return stage.board->value > 5; });
    auto other = stage.call();
    for (int i = 1; i <= 50; ++i) {
        other.ask("hello");
        stage.until_ends(other, i);
    }
    // What the kernel's buffers hold, and one piece: not all 200.
    CHECK(stage.board->value < 100);
    stage.until([&] { return lazy.text().ends_with("{\"end\":true}\n"); });
    const auto lines = lazy.lines();
    REQUIRE(lines.size() == 20'001);
    for (std::size_t i = 0; i < 20'000; ++i)
        if (!lines[i].starts_with("{\"n\":" + std::to_string(i) + ",")) FAIL(i);
    CHECK(stage.board->value == 200);
}

TEST_CASE("pieces without rows are asked on, and the client is told nothing of them") {
    ForwardStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        return ipc::QueryResult{query.cursor == 50 ? 0 : query.cursor + 1,
                                query.cursor == 30 ? numbered(1) : ""};
    });
    CHECK(stage.answer("ask") == "{\"n\":1}\n{\"end\":true}\n");
    CHECK(stage.board->value == 51);
}

TEST_CASE("a refusal of the child ends the answer") {
    ForwardStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        if (query.cursor == 0) return ipc::QueryResult{1, numbered(1)};
        return ipc::QueryResult{2,
                                control::error_line(Code::unknown, "no such session") + "\n" + numbered(2)};
    });
    CHECK(stage.answer("ask") == "{\"n\":1}\n{\"error\":\"no such session\",\"code\":\"unknown\"}\n");
}

TEST_CASE("a child that does not answer is not waited for [K-71]") {
    ForwardStage stage;
    stage.begin([](const ipc::Query&, Board&) { return std::nullopt; }, 30ms);
    CHECK(stage.answer("ask") == "{\"error\":\"REG did not answer within 30ms\",\"code\":\"gone\"}\n");
    CHECK(stage.answer("hello") == "{\"hello\":\"you\"}\n{\"end\":true}\n");
}

TEST_CASE("an answer that comes too late is dropped, the next question gets its own") {
    ForwardStage stage;
    stage.begin(
        [](const ipc::Query& query, Board& board) {
            if (board.value == 1) std::this_thread::sleep_for(100ms);
            return ipc::QueryResult{0, numbered(static_cast<std::uint64_t>(board.value) + query.cursor)};
        },
        30ms);
    CHECK_THAT(stage.answer("ask"), Contains("did not answer"));
    stage.until([&] { return stage.log().find("UDPS-312-N") != std::string::npos; });
    CHECK(stage.answer("ask") == "{\"n\":2}\n{\"end\":true}\n");
}

TEST_CASE("a child that dies in the middle of its answer makes a plain end") {
    ForwardStage stage;
    stage.begin([](const ipc::Query& query, Board&) -> std::optional<ipc::QueryResult> {
        if (query.cursor == 3) ::raise(SIGKILL);
        return ipc::QueryResult{query.cursor + 1, numbered(query.cursor)};
    });
    CHECK(stage.answer("ask") == numbered(0) + numbered(1) + numbered(2) +
                                     "{\"error\":\"REG died while it was asked; ask its successor\",\"code\":"
                                     "\"gone\"}\n");
    stage.until_ready();
    CHECK(stage.board->starts == 2);
}

TEST_CASE("a successor does not go on with what its predecessor began") {
    ForwardStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        return ipc::QueryResult{query.cursor + 1, std::string(15'000, 'x') + "\n"};
    });
    auto caller = stage.call();
    caller.ask("ask");
    // Until the client's buffers are full and nobody asks any more.
    int before = -1, quiet = 0;
    stage.until([&] {
        const int asked = stage.board->value;
        quiet = std::exchange(before, asked) == asked ? quiet + 1 : 0;
        return asked > 10 && quiet > 40;
    });
    ::kill(stage.reg(), SIGKILL);
    stage.until([&] { return stage.board->starts == 2 && stage.supervisor->all_ready(); });
    stage.until([&] { return caller.text().ends_with("\"}\n"); });
    CHECK_THAT(caller.last().text, Contains("REG was replaced while it answered; ask again"));
}

TEST_CASE("a child that is not there, or not yet, is said plainly") {
    ForwardStage stage;
    stage.begin([](const ipc::Query&, Board&) { return ipc::QueryResult{0, ""}; });
    CHECK(stage.answer("names") == "{\"error\":\"this proxy has no ACR\",\"code\":\"gone\"}\n");
    stage.supervisor->stop();
    CHECK(stage.answer("ask") == "{\"error\":\"REG is stopping just now; ask again\",\"code\":\"gone\"}\n");
}

TEST_CASE("who asks while a child is being replaced is answered by the next one") {
    ForwardStage stage;
    stage.begin([](const ipc::Query&, Board& shown) {
        return ipc::QueryResult{0, numbered(static_cast<std::uint64_t>(shown.starts))};
    });
    stage.supervisor->replace(ipc::Party::reg);
    REQUIRE(stage.supervisor->find(ipc::Party::reg)->status().state == ChildState::replacing);
    CHECK(stage.answer("ask") == "{\"n\":2}\n{\"end\":true}\n");
}

TEST_CASE("one that does not get ready is not waited for for ever") {
    ForwardStage stage;
    auto& parent = stage.make();
    parent.add_role(stage.role([](ChildRuntime& runtime, Board& shown) {
        runtime.on_stop([&] { runtime.finish(0); });
        if (shown.starts == 1) runtime.report_ready();
        return runtime.run();
    }));
    stage.forward = std::make_unique<ControlForward>(stage.io, parent, 50ms);
    stage.serve();
    stage.server->add("ask", Access::read, stage.forward->to(ipc::Party::reg));
    parent.start();
    stage.until_ready();
    parent.replace(ipc::Party::reg);
    CHECK(stage.answer("ask") == "{\"error\":\"REG is starting just now; ask again\",\"code\":\"gone\"}\n");
}

TEST_CASE("a child that answers nonsense loses its link, and is replaced") {
    ForwardStage stage;
    SECTION("the same cursor again would make an answer without end") {
        stage.begin([](const ipc::Query& query, Board&) {
            return ipc::QueryResult{query.cursor == 0 ? 5 : query.cursor, numbered(1)};
        });
        CHECK_THAT(stage.answer("ask"), Contains("REG answered nonsense") && Contains("\"failed\""));
    }
    SECTION("a malformed message") {
        auto& parent = stage.make();
        parent.add_role(stage.role([](ChildRuntime& runtime, Board&) {
            runtime.on(ipc::MessageType::query, [&](ipc::Message& message) {
                ipc::Encoder body;
                body.u64(0).string("{}").u8(1);
                runtime.parent().send(ipc::MessageType::query_result, message.id, body);
            });
            runtime.report_ready();
            return runtime.run();
        }));
        stage.forward = std::make_unique<ControlForward>(stage.io, parent);
        stage.serve().add("ask", Access::read, stage.forward->to(ipc::Party::reg));
        parent.start();
        stage.until_ready();
        CHECK_THAT(stage.answer("ask"), Contains("REG answered nonsense"));
    }
    stage.until([&] { return stage.board->starts == 2; });
    CHECK_THAT(stage.log(), Contains("UDPS-310-E"));
}

TEST_CASE("an answer that nobody asked for is dropped") {
    ForwardStage stage;
    auto& parent = stage.make();
    parent.add_role(stage.role([](ChildRuntime& runtime, Board&) {
        runtime.report_ready();
        for (std::uint32_t id = 0; id < 5; ++id)
            runtime.parent().send(ipc::QueryResult{0, "x"}, id);
        return runtime.run();
    }));
    stage.forward = std::make_unique<ControlForward>(stage.io, parent);
    parent.start();
    stage.until([&] { return count_of(stage.log(), "nobody asked") >= 3; });
    CHECK(stage.board->starts == 1);
}

TEST_CASE("a request that is too long for a link says so") {
    ForwardStage stage;
    stage.begin([](const ipc::Query&, Board&) { return ipc::QueryResult{0, ""}; });
    auto caller = stage.call();
    caller.ask("ask", R"({"from": ")" + std::string(ipc::max_query_text - 10, 'x') + "\"}");
    stage.until_ends(caller, 1);
    CHECK_THAT(caller.last().text, Contains("may have at most 16128 bytes"));
}

TEST_CASE("a client that goes while its child is asked harms nobody") {
    ForwardStage stage;
    stage.begin([](const ipc::Query&, Board&) {
        std::this_thread::sleep_for(20ms);
        return ipc::QueryResult{1, numbered(1)};
    });
    auto caller = stage.call();
    caller.ask("ask");
    stage.until([&] { return stage.board->value == 1; });
    caller.close();
    stage.until([&] { return stage.server->clients() == 0; });
    CHECK(stage.answer("hello") == "{\"hello\":\"you\"}\n{\"end\":true}\n");
}
