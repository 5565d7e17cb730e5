#include "libudpserver/control/control_server.hpp"

#include <catch2/catch.hpp>

#include "libudpserver/process/spawn.hpp"
#include "tests/unit/libudpserver/control/control_fixture.hpp"

using namespace control;
using namespace process;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using control::AnswerLine;
using control::Code;

TEST_CASE("a request is answered with rows and an end line") {
    ControlStage stage;
    stage.serve();
    auto caller = stage.call();
    REQUIRE(caller.connected());
    caller.ask("hello", R"({"name": "world"})");
    stage.until_ends(caller, 1);
    CHECK(caller.text() == "{\"hello\":\"world\"}\n{\"end\":true}\n");
    CHECK_FALSE(caller.ended());
}

TEST_CASE("requests may be pipelined and cut anywhere, the answers come in order") {
    ControlStage stage;
    stage.serve();
    auto caller = stage.call();
    std::string text;
    for (int i = 0; i < 20; ++i)
        text += R"({"command": "hello", "args": {"name": "n)" + std::to_string(i) + "\"}}\r\n";
    for (const char byte : text) {
        caller.say(std::string(1, byte));
        stage.io.poll();
    }
    stage.until_ends(caller, 20);
    std::string expected;
    for (int i = 0; i < 20; ++i)
        expected += "{\"hello\":\"n" + std::to_string(i) + "\"}\n{\"end\":true}\n";
    CHECK(caller.text() == expected);
}

TEST_CASE("a client that says no more gets its answers, then the end") {
    ControlStage stage;
    auto& server = stage.serve();
    auto caller = stage.call();
    caller.ask("hello");
    caller.ask("hello");
    caller.say_no_more();
    stage.until_ended(caller);
    CHECK(caller.ends() == 2);
    stage.until([&] { return server.clients() == 0; });
}

TEST_CASE(
    "an unknown command or a wrong argument says what would be right, and the connection stays [K-72]") {
    ControlStage stage;
    stage.serve();
    auto caller = stage.call();
    caller.ask("helo");
    caller.ask("hello", R"({"nam": "x"})");
    caller.ask("hello", R"({"name": 5})");
    caller.say("{\"comand\": \"hello\"}\n");
    caller.ask("hello");
    stage.until_ends(caller, 5);
    const auto lines = caller.lines();
    REQUIRE(lines.size() == 6);
    CHECK(lines[0] == R"({"error":"unknown command 'helo'; did you mean 'hello'?","code":"unknown"})");
    CHECK_THAT(lines[1], Contains("did you mean 'name'?") && Contains(R"("code":"usage")"));
    CHECK_THAT(lines[2], Contains("argument 'name' must be a text, not a number"));
    CHECK_THAT(lines[3], Contains("unknown key 'comand'; did you mean 'command'?"));
    CHECK(lines[4] == R"({"hello":"you"})");
}

TEST_CASE("what is no JSON gets an error line and the end, what follows it is not looked at") {
    ControlStage stage;
    auto& server = stage.serve();
    auto caller = stage.call();
    caller.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n{\"command\": \"hello\"}\n");
    stage.until_ended(caller);
    REQUIRE(caller.lines().size() == 1);
    CHECK(caller.last().kind == AnswerLine::Kind::error);
    CHECK(caller.last().code == Code::usage);
    CHECK_THAT(caller.last().text, Contains("is not JSON"));
    stage.until([&] { return server.clients() == 0; });
}

TEST_CASE("a line without end is refused at its limit, whatever is sent behind it") {
    ControlStage stage;
    auto& server = stage.serve();
    auto caller = stage.call();
    caller.say(std::string(100'000, 'x'));
    stage.until_ended(caller);
    REQUIRE(caller.lines().size() == 1);
    CHECK(caller.last().code == Code::usage);
    CHECK_THAT(caller.last().text, Equals("a request has at most 16384 bytes"));
    stage.until([&] { return server.clients() == 0; });
}

TEST_CASE("half a line is waited for only so long") {
    ControlStage stage;
    stage.control.bounds.line_timeout = 20ms;
    auto& server = stage.serve();
    auto half = stage.call(), idle = stage.call();
    half.say("{\"command\":");
    stage.until_ended(half);
    stage.until([&] { return server.clients() == 1; });
    CHECK_THAT(stage.log(), Contains("CTRL-222-N") && Contains("an incomplete request"));
    // The limit for half a line is not that for no line.
    CHECK_FALSE(idle.ended());
    idle.ask("hello");
    stage.until_ends(idle, 1);
}

TEST_CASE("a client that sends no request is closed after a while, before and after an answer [G-8]") {
    ControlStage stage;
    stage.control.bounds.silence_timeout = 50ms;
    auto& server = stage.serve();
    auto silent = stage.call(), once = stage.call();
    once.ask("hello");
    stage.until_ends(once, 1);
    stage.until_ended(silent);
    stage.until_ended(once);
    stage.until([&] { return server.clients() == 0; });
    CHECK_THAT(stage.log(), Contains("CTRL-222-N") && Contains("closed after 50ms with no request"));
}

TEST_CASE("a client that waits for its answer is not silent [G-8]") {
    ControlStage stage;
    stage.control.bounds.silence_timeout = 20ms;
    auto& server = stage.serve();
    std::vector<Answer> kept;
    server.add("later", Access::read,
               [&](const control::Request&, Answer answer) { kept.push_back(std::move(answer)); });
    auto waiting = stage.call(), silent = stage.call();
    waiting.ask("later");
    stage.until_ended(silent);
    stage.until([&] { return kept.size() == 1; });
    CHECK_FALSE(waiting.ended());
    kept.front().end();
    stage.until_ends(waiting, 1);
}

TEST_CASE("a handler that throws or forgets its answer is answered for") {
    ControlStage stage;
    auto& server = stage.serve();
    server.add("throws", Access::read,
               [](const control::Request&, Answer) { throw std::runtime_error("ouch"); });
    server.add("forgets", Access::read, [](const control::Request&, Answer) {});
    server.add("throws later", Access::read, [](const control::Request&, Answer answer) {
        answer.on_writable([answer] { throw std::runtime_error("late"); });
    });
    auto caller = stage.call();
    caller.ask("throws");
    caller.ask("forgets");
    stage.until_ends(caller, 2);
    CHECK(caller.lines()[0] == R"({"error":"ouch","code":"failed"})");
    CHECK(caller.lines()[1] == R"({"error":"the command returned no answer","code":"failed"})");
    CHECK_THAT(stage.log(), Contains("CTRL-310-E") && Contains("ouch"));
    caller.ask("throws later");
    stage.until_ended(caller);
    CHECK_THAT(stage.log(), Contains("late"));
    auto other = stage.call();
    other.ask("hello");
    stage.until_ends(other, 1);
}

TEST_CASE("an answer that is written later finds its client, or finds out that it is gone") {
    ControlStage stage;
    auto& server = stage.serve();
    std::vector<Answer> kept;
    int gone = 0;
    server.add("later", Access::read, [&](const control::Request&, Answer answer) {
        answer.on_closed([&] { ++gone; });
        kept.push_back(std::move(answer));
    });
    auto first = stage.call(), second = stage.call();
    first.ask("later");
    first.ask("hello");
    second.ask("later");
    stage.until([&] { return kept.size() == 2; });
    CHECK(first.lines().empty());  // one after the other
    second.close();
    stage.until([&] { return gone == 1; });
    stage.until([&] { return server.clients() == 1; });
    for (Answer& answer : kept) {
        CHECK(answer.peer().pid == ::getpid());
        const bool there = answer.open();
        CHECK(answer.row(control::Row().add("n", 1)) == there);
        answer.end();
        answer.end();
        answer.fail(Code::failed, "too late");
        CHECK_FALSE(answer.open());
        CHECK_FALSE(answer.row(control::Row()));
    }
    stage.until_ends(first, 2);
    CHECK(first.text() == "{\"n\":1}\n{\"end\":true}\n{\"hello\":\"you\"}\n{\"end\":true}\n");
    CHECK(gone == 1);
}

TEST_CASE("a client that never reads costs one buffer, delays no other client and is closed [O-51]") {
    ControlStage stage;
    stage.control.bounds.read_timeout = 100ms;
    auto& server = stage.serve();
    std::size_t rows = 0;
    std::function<void(Answer)> stream = [&](Answer answer) {
        while (answer.row(control::Row().add("text", std::string(1000, 'x'))))
            ++rows;
        if (answer.open()) answer.on_writable([&stream, answer] { stream(answer); });
    };
    server.add("huge", Access::read, [&](const control::Request&, Answer answer) { stream(answer); });
    auto lazy = stage.call(), busy = stage.call();
    lazy.ask("huge");
    stage.until([&] { return rows > 0; });
    for (int i = 1; i <= 100; ++i) {
        busy.ask("hello");
        stage.until_ends(busy, i);
    }
    // What the kernel's buffers took, and a chunk.
    CHECK(rows * 1000 < stage.control.bounds.chunk + 1'000'000);
    const std::size_t stuck = rows;
    stage.until([&] { return server.clients() == 1; });
    CHECK(rows == stuck);
    CHECK_THAT(stage.log(), Contains("CTRL-222-N") && Contains("does not read"));
    CHECK_FALSE(busy.ended());
}

TEST_CASE("a client that reads slowly is not one that does not read [G-13]") {
    ControlStage stage;
    stage.control.bounds.read_timeout = 40ms;
    auto& server = stage.serve();
    constexpr int all = 4'000;
    std::function<void(Answer, int)> stream = [&](Answer answer, int from) {
        int next = from;
        while (next < all && answer.row(control::Row().add("pad", std::string(500, 'x'))))
            ++next;
        if (next == all) return answer.end();
        answer.on_writable([&stream, answer, next] { stream(answer, next); });
    };
    server.add("long", Access::read, [&](const control::Request&, Answer answer) { stream(answer, 0); });
    auto caller = stage.call();
    caller.ask("long");
    // Far less in each interval than what makes the socket writable again.
    boost::asio::steady_timer pause(stage.io);
    std::size_t received = 0;
    bool ended = false, closed = false;
    std::function<void()> read_later = [&] {
        pause.expires_after(20ms);
        pause.async_wait([&](boost::system::error_code) {
            std::string piece(40'000, 0);
            const ssize_t got = ::recv(caller.descriptor(), piece.data(), piece.size(), MSG_DONTWAIT);
            if (got == 0) closed = true;
            if (got > 0) received += static_cast<std::size_t>(got);
            ended = got > 0 && piece.substr(0, static_cast<std::size_t>(got)).ends_with("{\"end\":true}\n");
            if (!ended && !closed) read_later();
        });
    };
    read_later();
    stage.until([&] { return ended || closed; });
    CHECK(ended);
    CHECK(received > all * 500u);
}

TEST_CASE("an answer of any length reaches a client that reads slowly, whole and in order") {
    ControlStage stage;
    auto& server = stage.serve();
    constexpr int all = 20'000;
    std::function<void(Answer, int)> stream = [&](Answer answer, int from) {
        int next = from;
        while (next < all && answer.row(control::Row().add("n", next).add("pad", std::string(100, 'x'))))
            ++next;
        if (next == all) return answer.end();
        answer.on_writable([&stream, answer, next] { stream(answer, next); });
    };
    server.add("long", Access::read, [&](const control::Request&, Answer answer) { stream(answer, 0); });
    auto caller = stage.call();
    caller.ask("long");
    stage.until([&] { return caller.text().ends_with("{\"end\":true}\n"); });
    const auto lines = caller.lines();
    REQUIRE(lines.size() == all + 1);
    for (int i = 0; i < all; ++i)
        if (!lines[static_cast<std::size_t>(i)].starts_with("{\"n\":" + std::to_string(i) + ",")) FAIL(i);
}

TEST_CASE("the server goes while answers are under way") {
    ControlStage stage;
    auto& server = stage.serve();
    std::vector<Answer> kept;
    server.add("later", Access::read, [&](const control::Request&, Answer answer) {
        answer.on_writable([&, answer] { FAIL("the server is gone"); });
        kept.push_back(answer);
    });
    auto caller = stage.call(), half = stage.call();
    caller.ask("later");
    half.say("{\"comm");
    // The request is taken; what it asked for in on_writable is still to come.
    while (kept.empty())
        stage.io.run_one();
    stage.server.reset();
    stage.io.poll();
    CHECK(caller.ended());
    CHECK(half.ended());
    kept[0].row(control::Row().add("n", 1));
    kept[0].end();
    kept.clear();
    stage.io.poll();
    CHECK_FALSE(std::filesystem::exists(stage.control.path));
}

TEST_CASE("children have none of the server's descriptors") {
    ControlStage stage;
    stage.serve();
    auto caller = stage.call();
    caller.ask("hello");
    stage.until_ends(caller, 1);
    Role role{"REG",
              ipc::Party::reg,
              forwarding_speed,
              [](ChildRuntime& runtime) {
                  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
                      int type = 0, fd = std::atoi(entry.path().filename().c_str());
                      socklen_t size = sizeof type;
                      const bool socket = ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
                      if (socket && fd > 2 && fd != runtime.parent().descriptor()) return 3;
                  }
                  return 0;
              },
              {}};
    const auto spawned = spawn(role, stage.settings, false);
    CHECK(wait_for(spawned.pid) == 0);
}
