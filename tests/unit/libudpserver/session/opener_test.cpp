#include "libudpserver/session/session_engine.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

/// Accepts a client that says "please", answers one that says "hello", refuses all others.
struct Doorman : session::Proxy {
    std::string answer = "say please";
    std::unique_ptr<session::SessionHandler> open(session::SessionContext&) override { return nullptr; }
    session::Opening judge_opener(const net::Datagram& datagram) override {
        const std::string said(reinterpret_cast<const char*>(datagram.payload.data()),
                               datagram.payload.size());
        if (said == "please") return {};
        if (said != "hello") return {.decision = session::Opening::Decision::refuse};
        return {.decision = session::Opening::Decision::answer,
                .answer = std::as_bytes(std::span(answer.data(), answer.size()))};
    }
};

}  // namespace

TEST_CASE("a denied client makes no state [K-33][O-22]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].action = conf::Action::deny;
    Engine engine(config);
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(!server.receive());
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(engine.refused(CloseReason::acl) == 1);
}

TEST_CASE("denied clients do not use up the rate that is meant for the others [O-25]") {
    const LoopbackSocket server, client, denied("127.0.0.66");
    conf::Config config = config_for(accept_to(server.endpoint()));
    conf::Rule deny = config.session_acl[0];
    conf::HostItem them{.kind = conf::HostItem::Kind::range};
    them.first = them.last = *base::parse_address("127.0.0.66");
    deny.from = {them};
    deny.action = conf::Action::deny;
    config.session_acl.insert(config.session_acl.begin(), deny);
    config.udpserver.new_sessions_per_second = 1;
    Engine engine(config);
    for (int i = 0; i < 10; ++i)
        REQUIRE(denied.send_to(engine.address(), "flood"));
    engine.pump();
    CHECK(engine.refused(CloseReason::acl) == 10);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("a source that is a listener of our own opens no session: its answers would loop") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    SECTION("bound to its address") {}
    SECTION("bound to all addresses") {
        config.listen_on[0].address = base::Address::any(base::Family::v4);
    }
    Engine engine(config);
    const base::Endpoint to(*base::parse_address("127.0.0.1"), engine.address().port);
    sockaddr_storage address;
    const socklen_t length = base::to_sockaddr(to, address);
    REQUIRE(::sendto(engine.listeners.at(0, 0).descriptor(), "x", 1, 0,
                     reinterpret_cast<const sockaddr*>(&address), length) == 1);
    engine.pump();
    CHECK(!server.receive());
    CHECK(engine.refused(CloseReason::bad_source) == 1);
    CHECK(engine.sessions->open_sessions() == 0);
    REQUIRE(client.send_to(to, "y"));
    engine.pump();
    CHECK(server.receive());
}

TEST_CASE("no rule for the client: denied by default [K-33]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    conf::HostItem elsewhere{.kind = conf::HostItem::Kind::range};
    elsewhere.first = elsewhere.last = *base::parse_address("192.0.2.1");
    config.session_acl[0].from = {elsewhere};
    Engine engine(config);
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(!server.receive());
    CHECK(engine.refused(CloseReason::acl) == 1);
}

TEST_CASE("when max-sessions is reached confirmed sessions stay and the newcomer is refused [K-46][O-21]") {
    const LoopbackSocket server, newcomer;
    Engine engine(config_for(accept_to(server.endpoint()), 4));
    std::vector<LoopbackSocket> clients(4);
    for (const LoopbackSocket& client : clients)
        REQUIRE((round_trip(engine, client, server) && round_trip(engine, client, server)));
    REQUIRE(newcomer.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(!server.receive());
    CHECK(engine.refused(CloseReason::sessions_full) == 1);
    for (const LoopbackSocket& client : clients)
        CHECK(round_trip(engine, client, server));
}

TEST_CASE("the oldest unanswered session makes room, an answered one never does") {
    const LoopbackSocket server, newcomer;
    Engine engine(config_for(accept_to(server.endpoint()), 3));
    std::vector<LoopbackSocket> clients(3);
    REQUIRE(round_trip(engine, clients[0], server));
    for (std::size_t i = 1; i < 3; ++i)
        REQUIRE(clients[i].send_to(engine.address(), "unanswered"));
    engine.pump();
    while (server.receive()) {
    }
    REQUIRE(round_trip(engine, newcomer, server));
    CHECK(engine.closed(CloseReason::evicted) == 1);
    CHECK(round_trip(engine, clients[0], server));
    CHECK(engine.sessions->open_sessions() == 3);
}

TEST_CASE("one-way sessions do not keep others out: the oldest makes room, before any other") {
    const LoopbackSocket server, collector, client, again;
    conf::Config config = config_for(accept_to(server.endpoint()), 4);
    conf::Rule logs = accept_to(collector.endpoint());
    logs.type = conf::SessionType::one_way;
    conf::HostItem them{.kind = conf::HostItem::Kind::range};
    them.first = them.last = *base::parse_address("127.0.0.66");
    logs.from = {them};
    config.session_acl.insert(config.session_acl.begin(), logs);
    Engine engine(config, 32);
    REQUIRE(client.send_to(engine.address(), "question"));
    engine.pump();
    for (int i = 0; i < 6; ++i) {
        const LoopbackSocket flood("127.0.0.66");
        REQUIRE(flood.send_to(engine.address(), "log line"));
        engine.pump();
        if (i == 3) engine.restart();
    }
    CHECK(engine.sessions->open_sessions() == 4);
    CHECK(engine.closed(CloseReason::evicted) == 3);
    const auto request = server.receive();
    REQUIRE(request);
    REQUIRE(round_trip(engine, again, server));
    REQUIRE(server.send_to(request->from, "answer"));
    engine.pump();
    CHECK(client.receive());
    CHECK(engine.closed(CloseReason::evicted) == 4);
}

TEST_CASE("unanswered sessions fill their share at most") {
    const LoopbackSocket server;
    conf::Config config = config_for(accept_to(server.endpoint()), 8);
    config.udpserver.unanswered_share = 50;
    Engine engine(config, 32);
    const std::vector<LoopbackSocket> flood(20);
    for (const LoopbackSocket& client : flood) {
        REQUIRE(client.send_to(engine.address(), "x"));
        engine.pump();
    }
    CHECK(engine.sessions->open_sessions() == 4);
    CHECK(engine.totals().unanswered.get() == 4);
    CHECK(engine.closed(CloseReason::evicted) == 16);
}

TEST_CASE("no free socket: refused and counted, the parent is asked, admission pauses and recovers [L-26]") {
    const LoopbackSocket server, first, second;
    Engine engine(config_for(accept_to(server.endpoint())), 1);
    REQUIRE(round_trip(engine, first, server));
    CHECK(engine.requests.size() == 1);
    engine.end_supply();
    REQUIRE(second.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(engine.refused(CloseReason::no_socket) == 1);
    CHECK(round_trip(engine, first, server));

    // During the pause nothing is tried; a released socket ends it by the end of the pause at the latest.
    REQUIRE(second.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(engine.refused(CloseReason::no_socket) == 2);
    engine.sessions->sockets_came(0, false, engine.now);
    engine.pass(1h);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(round_trip(engine, second, server));
    CHECK(engine.requests.size() == 2);
}

TEST_CASE("the parent is asked for more sockets while half of the sessions could still get one") {
    const LoopbackSocket server;
    Engine engine(config_for(accept_to(server.endpoint()), 8), 10);
    const std::vector<LoopbackSocket> clients(6);
    for (const LoopbackSocket& client : clients) {
        CHECK(engine.requests.empty());
        REQUIRE(round_trip(engine, client, server));
    }
    CHECK(engine.requests.size() == 1);
}

TEST_CASE("without a socket for the new session none is evicted") {
    const LoopbackSocket server, first, second;
    Engine engine(config_for(accept_to(server.endpoint()), 1), 1);
    REQUIRE(first.send_to(engine.address(), "x"));
    engine.pump();
    engine.end_supply();
    REQUIRE(second.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(engine.closed(CloseReason::evicted) == 0);
    CHECK(engine.refused(CloseReason::no_socket) == 1);
}

TEST_CASE("while it drains the engine opens no session, and keeps those it has [L-12]") {
    const LoopbackSocket server, known, unknown;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, known, server));
    engine.sessions->drain();
    REQUIRE(unknown.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(!server.receive());
    CHECK(engine.refused(CloseReason::admin) == 1);
    CHECK(round_trip(engine, known, server));
}

TEST_CASE("answers without a session are limited for all sources together [O-24]") {
    const LoopbackSocket server, client;
    Doorman doorman;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &doorman);
    int answers = 0;
    for (int i = 0; i < 300; ++i) {
        REQUIRE(client.send_to(engine.address(), "hello"));
        engine.pump();
        while (client.receive())
            ++answers;
    }
    CHECK(answers == 100);
    engine.now += 10s;
    REQUIRE(client.send_to(engine.address(), "hello"));
    engine.pump();
    CHECK(client.receive());
}

TEST_CASE("a proxy refuses what is no valid beginning, or answers it, without any state [O-22][O-23]") {
    const LoopbackSocket server, client;
    Doorman doorman;
    Engine engine(config_for(accept_to(server.endpoint())), 16, &doorman);
    REQUIRE(client.send_to(engine.address(), "rubbish"));
    engine.pump();
    CHECK(!client.receive());
    REQUIRE(client.send_to(engine.address(), "hello"));
    engine.pump();
    const auto answer = client.receive();
    REQUIRE(answer);
    CHECK(answer->payload == "say please");
    CHECK(answer->from == engine.address());
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(engine.refused(CloseReason::proxy) == 2);
    CHECK(!server.receive());
    CHECK(round_trip(engine, client, server, "please"));
}

TEST_CASE("refusals are written once a second, however many they are [O-3]") {
    const LoopbackSocket server;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].action = conf::Action::deny;
    Engine engine(config);
    const LoopbackSocket client;
    const base::Instant due = engine.now + 1s;
    for (int i = 0; i < 90; ++i) {
        REQUIRE(client.send_to(engine.address(), "x"));
        engine.pump();
        CHECK(engine.sessions->next_tick() == due);
        engine.pass(10ms);
    }
    engine.pass(1s);
    CHECK(!engine.sessions->next_tick());
}

TEST_CASE("a one-way newcomer pushes no unanswered session out while there is a place") {
    const LoopbackSocket server, client, logger("127.0.0.66");
    conf::Config config = config_for(accept_to(server.endpoint()), 4);
    config.udpserver.unanswered_share = 25;
    conf::Rule logs = accept_to(server.endpoint());
    logs.type = conf::SessionType::one_way;
    conf::HostItem them{.kind = conf::HostItem::Kind::range};
    them.first = them.last = *base::parse_address("127.0.0.66");
    logs.from = {them};
    config.session_acl.insert(config.session_acl.begin(), logs);
    Engine engine(config);
    REQUIRE(client.send_to(engine.address(), "question"));
    REQUIRE(logger.send_to(engine.address(), "log line"));
    engine.pump();
    CHECK(engine.sessions->open_sessions() == 2);
    CHECK(engine.closed(CloseReason::evicted) == 0);
}
