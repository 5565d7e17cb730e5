#include "proxyd/commands/child_queries.hpp"

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

struct QueryStage : ControlStage {
    std::unique_ptr<ChildQueries> queries;

    /// `ask` goes to a REG that replies so; there is no ACR.
    void begin(Reply reply, base::Duration timeout = 10s) {
        auto& parent = make();
        parent.add_role(asked_role(std::move(reply)));
        queries = std::make_unique<ChildQueries>(io, parent, timeout);
        serve();
        server->add("ask", Access::read, queries->to(ipc::Party::reg));
        server->add("names", Access::read, queries->to(ipc::Party::acr));
        parent.start();
        until_ready();
    }
    ~QueryStage() { server.reset(); }

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
    QueryStage stage;
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
    QueryStage stage;
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

TEST_CASE("a piece without rows is followed by the next, and the client receives nothing for it") {
    QueryStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        return ipc::QueryResult{query.cursor == 50 ? 0 : query.cursor + 1,
                                query.cursor == 30 ? numbered(1) : ""};
    });
    CHECK(stage.answer("ask") == "{\"n\":1}\n{\"end\":true}\n");
    CHECK(stage.board->value == 51);
}

TEST_CASE("a refusal of the child ends the answer") {
    QueryStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        if (query.cursor == 0) return ipc::QueryResult{1, numbered(1)};
        return ipc::QueryResult{2,
                                control::error_line(Code::unknown, "no such session") + "\n" + numbered(2)};
    });
    CHECK(stage.answer("ask") == "{\"n\":1}\n{\"error\":\"no such session\",\"code\":\"unknown\"}\n");
}

TEST_CASE("a child that does not answer is not waited for [K-71]") {
    QueryStage stage;
    stage.begin([](const ipc::Query&, Board&) { return std::nullopt; }, 30ms);
    CHECK(stage.answer("ask") == "{\"error\":\"REG did not answer within 30ms\",\"code\":\"gone\"}\n");
    CHECK(stage.answer("hello") == "{\"hello\":\"you\"}\n{\"end\":true}\n");
}

TEST_CASE("an answer that comes too late is dropped, the next question gets its own") {
    QueryStage stage;
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
    QueryStage stage;
    stage.begin([](const ipc::Query& query, Board&) -> std::optional<ipc::QueryResult> {
        if (query.cursor == 3) ::raise(SIGKILL);
        return ipc::QueryResult{query.cursor + 1, numbered(query.cursor)};
    });
    CHECK(stage.answer("ask") == numbered(0) + numbered(1) + numbered(2) +
                                     "{\"error\":\"REG exited while answering; retry\",\"code\":"
                                     "\"gone\"}\n");
    stage.until_ready();
    CHECK(stage.board->starts == 2);
}

TEST_CASE("a restarted child does not continue the answer of the one before") {
    QueryStage stage;
    stage.begin([](const ipc::Query& query, Board&) {
        return ipc::QueryResult{query.cursor + 1, std::string(15'000, 'x') + "\n"};
    });
    auto caller = stage.call();
    caller.ask("ask");
    // Until the client's buffers are full and no more pieces are requested.
    int before = -1, quiet = 0;
    stage.until([&] {
        const int asked = stage.board->value;
        quiet = std::exchange(before, asked) == asked ? quiet + 1 : 0;
        return asked > 10 && quiet > 40;
    });
    ::kill(stage.reg(), SIGKILL);
    stage.until([&] { return stage.board->starts == 2 && stage.supervisor->all_ready(); });
    stage.until([&] { return caller.text().ends_with("\"}\n"); });
    CHECK_THAT(caller.last().text, Contains("REG restarted while answering; retry"));
}

TEST_CASE("a child that is not there, or not yet, is said plainly") {
    QueryStage stage;
    stage.begin([](const ipc::Query&, Board&) { return ipc::QueryResult{0, ""}; });
    CHECK(stage.answer("names") == "{\"error\":\"this proxy has no ACR\",\"code\":\"gone\"}\n");
    stage.supervisor->stop();
    CHECK(stage.answer("ask") == "{\"error\":\"REG is stopping; retry later\",\"code\":\"gone\"}\n");
}

TEST_CASE("a request waits while its child restarts, and the new one answers") {
    QueryStage stage;
    stage.begin([](const ipc::Query&, Board& shown) {
        return ipc::QueryResult{0, numbered(static_cast<std::uint64_t>(shown.starts))};
    });
    stage.supervisor->replace(ipc::Party::reg);
    REQUIRE(stage.supervisor->find(ipc::Party::reg)->status().state == ChildState::replacing);
    CHECK(stage.answer("ask") == "{\"n\":2}\n{\"end\":true}\n");
}

TEST_CASE("a request does not wait longer than its timeout for a child to start") {
    QueryStage stage;
    auto& parent = stage.make();
    parent.add_role(stage.role([](ChildRuntime& runtime, Board& shown) {
        runtime.on_stop([&] { runtime.finish(0); });
        if (shown.starts == 1) runtime.report_ready();
        return runtime.run();
    }));
    stage.queries = std::make_unique<ChildQueries>(stage.io, parent, 50ms);
    stage.serve();
    stage.server->add("ask", Access::read, stage.queries->to(ipc::Party::reg));
    parent.start();
    stage.until_ready();
    parent.replace(ipc::Party::reg);
    CHECK(stage.answer("ask") == "{\"error\":\"REG is starting; retry later\",\"code\":\"gone\"}\n");
}

TEST_CASE("a child with a malformed reply loses its link, and is replaced") {
    QueryStage stage;
    SECTION("the same cursor again would make an answer without end") {
        stage.begin([](const ipc::Query& query, Board&) {
            return ipc::QueryResult{query.cursor == 0 ? 5 : query.cursor, numbered(1)};
        });
        CHECK_THAT(stage.answer("ask"), Contains("malformed reply from REG") && Contains("\"failed\""));
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
        stage.queries = std::make_unique<ChildQueries>(stage.io, parent);
        stage.serve().add("ask", Access::read, stage.queries->to(ipc::Party::reg));
        parent.start();
        stage.until_ready();
        CHECK_THAT(stage.answer("ask"), Contains("malformed reply from REG"));
    }
    stage.until([&] { return stage.board->starts == 2; });
    CHECK_THAT(stage.log(), Contains("UDPS-310-E"));
}

TEST_CASE("an answer without a request is dropped") {
    QueryStage stage;
    auto& parent = stage.make();
    parent.add_role(stage.role([](ChildRuntime& runtime, Board&) {
        runtime.report_ready();
        for (std::uint32_t id = 0; id < 5; ++id)
            runtime.parent().send(ipc::QueryResult{0, "x"}, id);
        return runtime.run();
    }));
    stage.queries = std::make_unique<ChildQueries>(stage.io, parent);
    parent.start();
    stage.until([&] { return count_of(stage.log(), "no such request") >= 3; });
    CHECK(stage.board->starts == 1);
}

TEST_CASE("a request that is too long for a link says so") {
    QueryStage stage;
    stage.begin([](const ipc::Query&, Board&) { return ipc::QueryResult{0, ""}; });
    auto caller = stage.call();
    caller.ask("ask", R"({"from": ")" + std::string(ipc::max_query_text - 10, 'x') + "\"}");
    stage.until_ends(caller, 1);
    CHECK_THAT(caller.last().text, Contains("may have at most 16128 bytes"));
}

TEST_CASE("a client that disconnects while its child is asked affects no other") {
    QueryStage stage;
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
