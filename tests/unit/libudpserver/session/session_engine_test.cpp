#include "libudpserver/session/session_engine.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

TEST_CASE("the first datagram opens a session and is forwarded itself; the answer comes back [K-32][K-44]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    CHECK(round_trip(engine, client, server));
    CHECK(engine.sessions->open_sessions() == 1);
    const session::Record& record = engine.only();
    CHECK(record.client == client.endpoint());
    CHECK(record.server == server.endpoint());
    CHECK(record.counters.client_datagrams == 1);
    CHECK(record.counters.to_server_bytes == 3);
    CHECK(record.counters.server_datagrams == 1);
    CHECK(record.counters.to_client_bytes == 6);
}

TEST_CASE("two ports of one client are two sessions with two source ports [K-31]") {
    const LoopbackSocket server, one, two;
    Engine engine(config_for(accept_to(server.endpoint())));
    std::set<std::uint16_t> ports;
    for (const LoopbackSocket* client : {&one, &two, &one}) {
        REQUIRE(client->send_to(engine.address(), "x"));
        engine.pump();
        ports.insert(server.receive()->from.port);
    }
    CHECK(engine.sessions->open_sessions() == 2);
    CHECK(ports.size() == 2);
}

/// Speaks too early.
struct HastyProxy : session::Proxy {
    std::unique_ptr<session::SessionHandler> open(session::SessionContext& context) override {
        context.send_to_server(std::as_bytes(std::span("hello", 5)));
        return nullptr;
    }
};

TEST_CASE("a proxy that sends to the server before there is a socket has no effect") {
    const LoopbackSocket server, client;
    HastyProxy proxy;
    Engine engine(config_for(accept_to(server.endpoint())), 4, &proxy);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("one request and one response: the session ends right after it [K-37]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.client_datagrams = config.session_acl[0].limits.server_datagrams = 1;
    Engine engine(config);
    for (int i = 0; i < 3; ++i) {
        CHECK(round_trip(engine, client, server));
        CHECK(engine.sessions->open_sessions() == 0);
    }
    CHECK(engine.closed(CloseReason::server_datagrams) == 3);
}

TEST_CASE("a second request on its way opens a second session, and both answers arrive") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.client_datagrams = config.session_acl[0].limits.server_datagrams = 1;
    Engine engine(config);
    REQUIRE(client.send_to(engine.address(), "a"));
    REQUIRE(client.send_to(engine.address(), "b"));
    engine.pump();
    const auto first = server.receive(), second = server.receive();
    REQUIRE((first && second));
    CHECK(first->from != second->from);
    REQUIRE(server.send_to(second->from, "B"));
    REQUIRE(server.send_to(first->from, "A"));
    engine.pump();
    std::set<std::string> answers;
    while (const auto answer = client.receive())
        answers.insert(answer->payload);
    CHECK(answers == std::set<std::string>{"A", "B"});
    CHECK(engine.sessions->open_sessions() == 0);
}

TEST_CASE("an answer beyond the limit is not forwarded") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.server_datagrams = 1;
    Engine engine(config);
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(server.send_to(request->from, "1"));
    REQUIRE(server.send_to(request->from, "2"));
    engine.pump();
    CHECK(client.receive()->payload == "1");
    CHECK(!client.receive());
}

TEST_CASE("idle sessions end, busy ones stay; either direction counts as busy [K-38]") {
    const LoopbackSocket server, busy, idle;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.idle = 10s;
    Engine engine(config);
    REQUIRE(round_trip(engine, busy, server));
    REQUIRE(round_trip(engine, idle, server));
    for (int i = 0; i < 4; ++i) {
        engine.pass(4s);
        REQUIRE(round_trip(engine, busy, server));
    }
    CHECK(engine.sessions->open_sessions() == 1);
    CHECK(engine.closed(CloseReason::idle) == 1);
    CHECK(engine.only().client == busy.endpoint());
}

TEST_CASE("a datagram that finds its session due opens a new one, even if the timer is late") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.lifetime = 5s;
    Engine engine(config);
    REQUIRE(round_trip(engine, client, server));
    engine.now += 6s;
    REQUIRE(round_trip(engine, client, server));
    CHECK(engine.closed(CloseReason::lifetime) == 1);
    CHECK(engine.sessions->open_sessions() == 1);
}

TEST_CASE("unanswered sessions end by their own limit") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.unanswered = 3s;
    Engine engine(config);
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    engine.pass(2s);
    CHECK(engine.sessions->open_sessions() == 1);
    engine.pass(1200ms);
    CHECK(engine.closed(CloseReason::unanswered) == 1);
}

TEST_CASE("one-way: a reply is not forwarded and ends the session [K-40]") {
    const LoopbackSocket server, client;
    conf::Rule rule = accept_to(server.endpoint());
    rule.type = conf::SessionType::one_way;
    Engine engine(config_for(rule));
    REQUIRE(client.send_to(engine.address(), "log line"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(server.send_to(request->from, "no!"));
    engine.pump();
    CHECK(!client.receive());
    CHECK(engine.closed(CloseReason::one_way_reply) == 1);
}

TEST_CASE("normal: the kernel drops what is not from the server [K-39]") {
    const LoopbackSocket server, client, stranger;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(stranger.send_to(request->from, "forged"));
    engine.pump();
    CHECK(!client.receive());
    REQUIRE(server.send_to(request->from, "true"));
    engine.pump();
    CHECK(client.receive()->payload == "true");
}

TEST_CASE("any-port: the first reply's port is the server's from then on, others are foreign [K-41][K-42]") {
    const LoopbackSocket server, transfer, third, client;
    conf::Rule rule = accept_to(server.endpoint());
    rule.type = conf::SessionType::any_port;
    Engine engine(config_for(rule));
    REQUIRE(client.send_to(engine.address(), "read file"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(transfer.send_to(request->from, "block 1"));
    engine.pump();
    CHECK(client.receive()->payload == "block 1");
    REQUIRE(client.send_to(engine.address(), "ack 1"));
    engine.pump();
    CHECK(!server.receive());
    CHECK(transfer.receive()->payload == "ack 1");
    const base::Instant before = engine.only().last_server;
    engine.now += 1s;
    REQUIRE(third.send_to(request->from, "foreign"));
    engine.pump();
    CHECK(!client.receive());
    CHECK(engine.totals().foreign.get() == 1);
    CHECK(engine.only().last_server == before);
    CHECK(engine.sessions->open_sessions() == 1);
}

TEST_CASE("a server that is down is counted; by configuration it ends its session, and only that [K-48]") {
    const LoopbackSocket up;
    auto down = std::make_unique<LoopbackSocket>();
    conf::Rule to_up = accept_to(up.endpoint()), to_down = accept_to(down->endpoint());
    down.reset();
    to_down.on_icmp_error = GENERATE(conf::IcmpError::ignore, conf::IcmpError::close);
    const LoopbackSocket good("127.0.0.1"), bad("127.0.0.2");
    conf::Config config = config_for(to_down);
    conf::HostItem from{.kind = conf::HostItem::Kind::range};
    from.first = from.last = bad.endpoint().address();
    config.session_acl[0].from = {from};
    config.session_acl.push_back(to_up);
    Engine engine(config);
    REQUIRE(round_trip(engine, good, up));
    REQUIRE(bad.send_to(engine.address(), "x"));
    engine.pump();
    engine.pump();
    CHECK(engine.totals().icmp_errors.get() == 1);
    CHECK(engine.sessions->open_sessions() == (to_down.on_icmp_error == conf::IcmpError::close ? 1 : 2));
    CHECK(round_trip(engine, good, up));
}

TEST_CASE("empty and the largest datagrams pass unchanged [K-47]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    for (const std::size_t size : {std::size_t{0}, net::max_payload - 3}) {
        CHECK(round_trip(engine, client, server, std::string(size, 'x')));
    }
}

TEST_CASE("the engine closes and counts every session at the end [K-23]") {
    const LoopbackSocket server;
    Engine engine(config_for(accept_to(server.endpoint())));
    const std::vector<LoopbackSocket> clients(5);
    for (const LoopbackSocket& client : clients)
        REQUIRE(round_trip(engine, client, server));
    engine.sessions->close_all(CloseReason::process_end, engine.now);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(engine.closed(CloseReason::process_end) == 5);
    CHECK(engine.totals().created.get() == engine.totals().closed.get());
}

TEST_CASE("random lives: counts, places and sockets always agree [O-20][O-38]") {
    const LoopbackSocket server;
    conf::Config config = config_for(accept_to(server.endpoint()), 6);
    config.udpserver.quarantine = 0s;
    config.udpserver.quarantine_answered = 0s;
    config.session_acl[0].limits.idle = 5s;
    config.session_acl[0].limits.client_datagrams = 3;
    Engine engine(config, 6);
    const std::vector<LoopbackSocket> clients(10);
    std::mt19937 random(42);
    for (int step = 0; step < 3000; ++step) {
        const LoopbackSocket& client = clients[random() % clients.size()];
        REQUIRE(client.send_to(engine.address(), "x"));
        engine.pump();
        while (const auto request = server.receive()) {
            if (random() % 2 == 0) REQUIRE(server.send_to(request->from, "y"));
        }
        engine.pump();
        engine.pass(base::Duration(random() % 1000));
        std::size_t open = 0, leased = 0;
        for (const session::Record& record : engine.arena.records())
            open += record.state == session::State::open;
        for (const session::PoolEntry& entry : engine.arena.pool()) {
            leased += entry.state == session::PoolEntry::State::leased;
        }
        REQUIRE(open == engine.sessions->open_sessions());
        REQUIRE(leased == open);
        REQUIRE(engine.totals().created.get() - engine.totals().closed.get() == open);
    }
}

TEST_CASE("a busy session does not touch its timer, and still ends on time [O-35]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.idle = 10s;
    Engine engine(config);
    REQUIRE(round_trip(engine, client, server));
    const std::optional<base::Instant> armed = engine.sessions->next_tick();
    for (int i = 0; i < 9; ++i) {
        engine.pass(1s);
        REQUIRE(round_trip(engine, client, server));
        CHECK(engine.sessions->next_tick() == armed);
    }
    engine.pass(9900ms);
    CHECK(engine.sessions->open_sessions() == 1);
    engine.pass(300ms);
    CHECK(engine.closed(CloseReason::idle) == 1);
}
