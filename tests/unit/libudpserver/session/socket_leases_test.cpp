#include "libudpserver/session/socket_leases.hpp"

#include <linux/filter.h>

#include <array>
#include <catch2/catch.hpp>
#include <set>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::SocketIndex;

TEST_CASE("a late answer never reaches the next client of its socket") {
    const LoopbackSocket server, first, second;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.unanswered = 1s;
    config.udpserver.quarantine = 5s;
    Engine engine(config, 1);
    REQUIRE(first.send_to(engine.address(), "slow question"));
    engine.pump();
    const auto request = server.receive();
    engine.pass(1200ms);
    REQUIRE(engine.sessions->open_sessions() == 0);

    SECTION("it comes in quarantine: it is dropped, and another quarantine starts") {
        engine.end_supply();
        engine.now += 4900ms;
        REQUIRE(server.send_to(request->from, "late answer"));
        engine.now += 1s;
        REQUIRE(second.send_to(engine.address(), "x"));
        engine.pump();
        CHECK(engine.refused(session::CloseReason::no_socket) == 1);
        engine.now += 6s;
    }
    SECTION("it comes before the session closes: it is thrown away") {
        engine.now += 6s;
    }
    REQUIRE(round_trip(engine, second, server, "second question"));
    CHECK(!second.receive());
    CHECK(!first.receive());
}

TEST_CASE("a stream that continues after its session keeps the socket in quarantine") {
    const LoopbackSocket server, first, second;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.lifetime = 2s;
    config.udpserver.quarantine = 5s;
    Engine engine(config, 2);
    REQUIRE(first.send_to(engine.address(), "play"));
    engine.pump();
    const auto request = server.receive();
    for (int i = 0; i < 40; ++i) {
        REQUIRE(server.send_to(request->from, "stream"));
        engine.pump();
        engine.pass(1s);
        if (i % 4 == 3) {
            REQUIRE(second.send_to(engine.address(), "y"));
            engine.pump();
        }
        while (const auto heard = second.receive())
            FAIL("the stream reached another client: " << heard->payload);
        while (server.receive()) {
        }
    }
}

TEST_CASE("a port scan keeps no socket in quarantine") {
    const LoopbackSocket server, first, second, scanner;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.unanswered = 1s;
    config.udpserver.quarantine = 5s;
    Engine engine(config, 1);
    const base::Endpoint port(*base::parse_address("127.0.0.1"),
                              net::local_endpoint(engine.pool.sockets()[0].fd.get()).port);
    SECTION("one that never served") {}
    SECTION("one that served and is in quarantine") {
        REQUIRE(round_trip(engine, first, server));
        engine.pass(4min);
        REQUIRE(engine.sessions->open_sessions() == 0);
    }
    SECTION("one of an unanswered session, across a crash of REG") {
        REQUIRE(first.send_to(engine.address(), "question"));
        engine.pump();
        REQUIRE(server.receive());
        engine.pass(1200ms);
        engine.restart();
        engine.now += 6s;
    }
    for (int i = 0; i < 3; ++i)
        scanner.send_to(port, "anybody there?");
    CHECK(round_trip(engine, second, server));
    CHECK(!second.receive());
}

TEST_CASE("after one request and its one answer the quarantine is short") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.client_datagrams = config.session_acl[0].limits.server_datagrams = 1;
    config.udpserver.quarantine = 30s;
    config.udpserver.quarantine_answered = 1s;
    Engine engine(config, 1);
    REQUIRE(round_trip(engine, client, server));
    engine.end_supply();
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(engine.refused(session::CloseReason::no_socket) == 1);
    engine.now += 1100ms;
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("the socket of a long idle session needs no quarantine") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.idle = 60s;
    config.udpserver.quarantine = 30s;
    Engine engine(config, 1);
    REQUIRE(round_trip(engine, client, server));
    engine.pass(61s);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("the sockets in use, free and in quarantine are counted by group [K-20]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.unanswered = 1s;
    config.udpserver.quarantine = 5s;
    Engine engine(config, 4);
    const auto use = [&] {
        const auto all = engine.sessions->socket_use(engine.now);
        REQUIRE(all.size() == 1);
        return std::array{all[0].all, all[0].free, all[0].quarantined};
    };
    CHECK(use() == std::array<std::size_t, 3>{4, 4, 0});
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(use() == std::array<std::size_t, 3>{4, 3, 0});
    engine.pass(1200ms);
    CHECK(use() == std::array<std::size_t, 3>{4, 3, 1});
    engine.now += 6s;
    CHECK(use() == std::array<std::size_t, 3>{4, 4, 0});
}

TEST_CASE("what each rule did is counted, and what no rule decided about [K-20]") {
    const LoopbackSocket server, client, other;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.udpserver.per_address.open = 1;
    Engine engine(config, 4);
    REQUIRE(client.send_to(engine.address(), "x"));
    REQUIRE(other.send_to(engine.address(), "x"));
    engine.pump();
    const auto& counts = engine.sessions->rule_counts();
    REQUIRE(counts.size() == 2);
    CHECK((counts[0].begun == 1 && counts[0].refused == 0));
    CHECK((counts[1].begun == 0 && counts[1].refused == 1));
}

TEST_CASE("sockets are leased in random order") {
    std::vector<session::PoolEntry> entries(32);
    std::vector<LoopbackSocket> sockets(32);
    const net::MuteFilter filter;
    OwnSide side(filter);
    session::SocketLeases leases(entries, 1, side, 1s);
    for (std::uint32_t i = 0; i < 32; ++i) {
        side.add(SocketIndex{i}, sockets[i].fd());
        REQUIRE(leases.add(SocketIndex{i}, 0));
    }
    std::vector<SocketIndex> order;
    for (session::Slot i = 0; i < 32; ++i)
        order.push_back(leases.lease(0, i, base::Instant(1h)));
    CHECK(std::set<SocketIndex>(order.begin(), order.end()).size() == 32);
    CHECK(!std::is_sorted(order.begin(), order.end()));
    CHECK(!std::is_sorted(order.rbegin(), order.rend()));
    CHECK(leases.lease(0, 99, base::Instant(1h)) == session::no_socket);
}

TEST_CASE("places, groups and doubles that cannot be are refused") {
    std::vector<session::PoolEntry> entries(2);
    const LoopbackSocket socket;
    const net::MuteFilter filter;
    OwnSide side(filter);
    session::SocketLeases leases(entries, 1, side, 1s);
    side.add(SocketIndex{0}, socket.fd());
    CHECK(!leases.add(SocketIndex{2}, 0));
    CHECK(!leases.add(SocketIndex{0}, 1));
    CHECK(leases.add(SocketIndex{0}, 0));
    CHECK(!leases.add(SocketIndex{0}, 0));
    CHECK(leases.session_of(SocketIndex{17}) == session::none);
    CHECK(leases.session_of(SocketIndex{1}) == session::none);
}

TEST_CASE("a muted socket that is connected has served, whatever the arena says: it is quarantined") {
    std::vector<session::PoolEntry> entries(1);
    const LoopbackSocket server, socket;
    const net::MuteFilter filter;
    OwnSide side(filter);
    session::SocketLeases leases(entries, 1, side, 1s);
    REQUIRE(filter.mute(socket.fd()) == 0);
    const bool is_connected = GENERATE(true, false);
    if (is_connected) REQUIRE(net::connect_socket(socket.fd(), server.endpoint()) == 0);
    side.add(SocketIndex{0}, socket.fd());
    REQUIRE(leases.add(SocketIndex{0}, 0));
    leases.reclaim_unclaimed(base::Instant(1h), GENERATE(true, false));
    CHECK(leases.use(base::Instant(59min))[0].quarantined == (is_connected ? 1 : 0));
    CHECK(leases.use(base::Instant(1h))[0].free == 1);
}

TEST_CASE("an idle socket with a filter that drops nothing is muted at adoption [E-3]") {
    std::vector<session::PoolEntry> entries(1);
    const LoopbackSocket stranger, socket;
    const net::MuteFilter filter;
    OwnSide side(filter);
    session::SocketLeases leases(entries, 1, side, 1s);
    sock_filter keep_all{BPF_RET | BPF_K, 0, 0, 0xffff};
    const sock_fprog program{1, &keep_all};
    REQUIRE(::setsockopt(socket.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
    side.add(SocketIndex{0}, socket.fd());
    REQUIRE(leases.add(SocketIndex{0}, 0));
    leases.reclaim_unclaimed(base::Instant(1h), GENERATE(true, false));
    REQUIRE(stranger.send_to(socket.endpoint(), "x"));
    CHECK(net::drain(socket.fd()) == 0);
}
