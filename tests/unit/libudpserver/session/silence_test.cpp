#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace session;
using namespace std::chrono_literals;

namespace {

/// The client sends every second; returns after how many seconds a session was closed because of that.
int seconds_until_closed(Engine& engine, const LoopbackSocket& client, int max = 60) {
    const std::uint64_t before = engine.closed(CloseReason::no_answer);
    for (int second = 1; second <= max; ++second) {
        engine.pass(1s);
        REQUIRE(client.send_to(engine.address(), "again"));
        engine.pump();
        if (engine.closed(CloseReason::no_answer) > before) return second;
    }
    return 0;
}

std::size_t received(const LoopbackSocket& socket) {
    std::size_t count = 0;
    while (socket.receive())
        ++count;
    return count;
}

bool is_for(const LoopbackSocket& server, const Record& record) {
    return record.server == server.endpoint();
}

}  // namespace

TEST_CASE("a server is silent after that many datagrams in that time [C-1]") {
    const conf::NoAnswer limit{.datagrams = 3, .time = 10s};
    Silence silence;
    const Instant start{1h};
    CHECK(!is_silent(silence, limit, start));
    count_unreplied(silence, start);
    count_unreplied(silence, start + 1s);
    CHECK(!is_silent(silence, limit, start + 20s));
    count_unreplied(silence, start + 2s);
    CHECK(!is_silent(silence, limit, start + 9s));
    CHECK(is_silent(silence, limit, start + 10s));
    CHECK(!is_silent(silence, {.datagrams = 3, .time = 0s}, start + 1h));
}

TEST_CASE("datagrams within a second count as one: replies to a burst need their time [C-1]") {
    const conf::NoAnswer limit{.datagrams = 3, .time = 10s};
    Silence silence;
    const Instant start{1h};
    count_unreplied(silence, start);
    for (int i = 0; i < 100; ++i)
        count_unreplied(silence, start + 20s + Duration(i));
    CHECK(silence.datagrams == 2);
    CHECK(!is_silent(silence, limit, start + 21s));
}

TEST_CASE("when the server falls silent the client's next datagram goes to another one [C-1]") {
    const LoopbackSocket one, two, client;
    conf::Rule rule = accept_to(one.endpoint());
    rule.plug_to.push_back({two.endpoint(), 1});
    Engine engine(config_for(rule));
    const bool answered_first = GENERATE(true, false);
    REQUIRE(client.send_to(engine.address(), "ask"));
    engine.pump();
    const bool first_is_one = is_for(one, engine.only());
    const LoopbackSocket& first = first_is_one ? one : two;
    const LoopbackSocket& second = first_is_one ? two : one;
    received(first);
    if (answered_first) REQUIRE(round_trip(engine, client, first));
    received(first);

    CHECK(seconds_until_closed(engine, client) >= 15);
    CHECK(is_for(second, engine.only()));
    CHECK(received(second) == 1);
    CHECK(round_trip(engine, client, second, "hello"));

    // The client's other sessions avoid it too, for a while; those of other clients do not.
    const LoopbackSocket other_port;
    REQUIRE(other_port.send_to(engine.address(), "ask"));
    engine.pump();
    CHECK(received(second) == 1);
    engine.sessions->close_all(CloseReason::admin, engine.now);
    engine.pass(6min);
    received(first);
    REQUIRE(other_port.send_to(engine.address(), "ask"));
    engine.pump();
    CHECK(received(first) == 1);
}

TEST_CASE("if all servers were silent the first choice is tried again [C-1]") {
    const LoopbackSocket one, two, client;
    conf::Rule rule = accept_to(one.endpoint());
    rule.plug_to.push_back({two.endpoint(), 1});
    Engine engine(config_for(rule));
    for (int i = 0; i < 4; ++i)
        REQUIRE(seconds_until_closed(engine, client) > 0);
    CHECK(received(one) >= 15);
    CHECK(received(two) >= 15);
}

TEST_CASE("a reply ends the silence, and a slow server keeps its session [C-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    for (int i = 0; i < 10; ++i) {
        for (int second = 0; second < 13; ++second) {
            engine.pass(1s);
            REQUIRE(client.send_to(engine.address(), "more"));
            engine.pump();
        }
        received(server);
        REQUIRE(round_trip(engine, client, server));
    }
    CHECK(engine.totals().created.get() == 1);
}

TEST_CASE("a second TFTP transfer from the same port opens a new session [C-1]") {
    const LoopbackSocket server, transfer, client;
    conf::Rule rule = accept_to(server.endpoint());
    rule.type = conf::SessionType::any_port;
    Engine engine(config_for(rule));
    REQUIRE(client.send_to(engine.address(), "read request"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(request);
    REQUIRE(transfer.send_to(request->from, "data"));
    engine.pump();
    REQUIRE(client.send_to(engine.address(), "acknowledgement"));
    engine.pump();
    CHECK(received(transfer) == 1);
    engine.pass(30s);
    CHECK(seconds_until_closed(engine, client) == 5);
    CHECK(received(server) == 1);
}

TEST_CASE("a session that no server need answer stays open [C-1]") {
    const LoopbackSocket server, other, client;
    conf::Rule rule = accept_to(server.endpoint());
    const bool is_one_way = GENERATE(true, false);
    if (is_one_way) {
        rule.type = conf::SessionType::one_way;
        rule.plug_to.push_back({other.endpoint(), 1});
    }
    Engine engine(config_for(rule));
    CHECK(seconds_until_closed(engine, client, 120) == 0);
    CHECK(engine.totals().created.get() == 1);
}

TEST_CASE("explain says that a silent server's session does not continue, and leaves it open [C-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    const policy::Question question{.client = client.endpoint(), .local = engine.address()};
    for (int second = 0; second < 16; ++second) {
        engine.pass(1s);
        if (second == 5)
            CHECK(engine.sessions->explain(question, 0, engine.now).outcome == Explanation::Outcome::running);
        if (second == 15) break;
        REQUIRE(client.send_to(engine.address(), "more"));
        engine.pump();
    }
    CHECK(engine.sessions->explain(question, 0, engine.now).outcome == Explanation::Outcome::accepted);
    CHECK(engine.sessions->open_sessions() == 1);
}

TEST_CASE("a client that may not open a session keeps the one with the silent server [C-1]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.udpserver.per_address.open = 1;  // the session that it leaves does not count
    Engine engine(config);
    REQUIRE(round_trip(engine, client, server));
    const bool is_draining = GENERATE(true, false);
    if (is_draining) engine.sessions->drain();
    CHECK((seconds_until_closed(engine, client) == 0) == is_draining);
    CHECK(engine.sessions->open_sessions() == 1);
    CHECK(engine.totals().refused.get() == 0);
}

TEST_CASE("what the old server left unanswered does not make the new one silent [C-1][K-54]") {
    const LoopbackSocket before, after("127.0.0.2", before.endpoint().port), client;
    conf::Config config = config_for(accept_to_name("srv.example", before.endpoint().port));
    config.session_acl[0].on_name_change = conf::OnNameChange::move;
    Engine engine(config);
    engine.news("srv.example", {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, before));
    for (int second = 0; second < 14; ++second) {
        engine.pass(1s);
        REQUIRE(client.send_to(engine.address(), "again"));
        engine.pump();
    }
    engine.news("srv.example", {"127.0.0.2"});
    engine.pass(5s);
    CHECK(round_trip(engine, client, after));
    CHECK(engine.closed(CloseReason::no_answer) == 0);
}
