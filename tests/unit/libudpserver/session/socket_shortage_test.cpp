#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;
using session::Quarantine;
using session::SocketIndex;

namespace {

/// Each of the clients sends one datagram from a port of its own.
void flood(Engine& engine, const std::vector<LoopbackSocket>& clients) {
    for (const LoopbackSocket& client : clients) {
        REQUIRE(client.send_to(engine.address(), "forged"));
        engine.pump();
    }
}

std::vector<base::Endpoint> sources_seen(const LoopbackSocket& server) {
    std::vector<base::Endpoint> sources;
    while (const auto request = server.receive())
        sources.push_back(request->from);
    return sources;
}

bool is_served(Engine& engine, const LoopbackSocket& client) {
    const auto created = engine.totals().created.get();
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    return engine.totals().created.get() > created;
}

/// One pool socket with its leases.
struct OneSocket {
    OneSocket() {
        REQUIRE(filter.mute(socket.fd()) == 0);
        restart();
    }
    /// What the next REG finds.
    void restart() {
        side.add(index, socket.fd());
        leases.emplace(entries, 1, side, 30s);
        REQUIRE(leases->add(index, 0));
    }
    [[nodiscard]] bool hears(const LoopbackSocket& from) const {
        const base::Endpoint port(*base::parse_address("127.0.0.1"), net::local_endpoint(socket.fd()).port);
        from.send_to(port, "late");
        return net::drain(socket.fd()) > 0;
    }

    const SocketIndex index{0};
    const LoopbackSocket socket, a, b, c;
    const net::MuteFilter filter;
    OwnSide side{filter};
    std::vector<session::PoolEntry> entries{1};
    std::optional<session::SocketLeases> leases;
    const base::Instant start{1h};
};

/// The socket served a session of server A, which never answered.
struct AfterSilence : OneSocket {
    AfterSilence() {
        leases->reclaim_unclaimed(start, false);
        REQUIRE(leases->lease(0, 1, start) == index);
        REQUIRE(leases->open(index, a.endpoint(), net::Accepts::server) == 0);
        leases->give_back(index, start + 30s, Quarantine::unanswered);
    }
    void serve_b() {
        REQUIRE(leases->lease_for(b.endpoint(), 0, 2) == index);
        REQUIRE(leases->open(index, b.endpoint(), net::Accepts::server) == 0);
    }
    [[nodiscard]] bool serves_at(base::Duration after) { return leases->available(0, start + after) == 1; }
    [[nodiscard]] bool serves_anybody_early() const {
        return leases->can_lease_for(a.endpoint(), 0) || leases->can_lease_for(b.endpoint(), 0) ||
               leases->can_lease_for(c.endpoint(), 0);
    }
};

}  // namespace

TEST_CASE("five seconds after a flood of forged sources new clients are served [S-1]") {
    const LoopbackSocket server, steady, early, late;
    Engine engine(config_for(accept_to(server.endpoint())), 16);
    REQUIRE(round_trip(engine, steady, server));
    REQUIRE(round_trip(engine, steady, server));  // confirmed
    engine.end_supply();
    const std::vector<LoopbackSocket> forged(40);
    flood(engine, forged);
    CHECK(engine.refused(CloseReason::no_socket) > 0);
    const std::vector<base::Endpoint> sources = sources_seen(server);
    engine.now += 4900ms;
    CHECK(!is_served(engine, early));
    CHECK(round_trip(engine, steady, server));

    SECTION("and nothing late reaches them: it starts another quarantine, as short as the first one") {
        for (const base::Endpoint& source : sources)
            REQUIRE(server.send_to(source, "late"));
        engine.pump();
        engine.now += 1100ms;
        CHECK(!is_served(engine, late));
        CHECK(!late.receive());
        engine.now += 4900ms;
        CHECK(!is_served(engine, late));
        engine.now += 200ms;
    }
    SECTION("no sooner and no later") {
        engine.now += 1100ms;
    }
    sources_seen(server);
    CHECK(round_trip(engine, late, server));
    CHECK(!late.receive());
}

TEST_CASE("also when the server repeats its replies: five seconds after the last one [S-1]") {
    const LoopbackSocket server, early, client;
    Engine engine(config_for(accept_to(server.endpoint())), 16);
    engine.end_supply();
    for (const LoopbackSocket& one : std::vector<LoopbackSocket>(40))
        round_trip(engine, one, server);
    REQUIRE(engine.refused(CloseReason::no_socket) > 0);
    for (int second = 0; second < 3; ++second) {
        engine.pass(1s);
        for (const net::SocketPool::Socket& socket : engine.pool.sockets())
            REQUIRE(server.send_to(
                {*base::parse_address("127.0.0.1"), net::local_endpoint(socket.fd.get()).port}, "repeated"));
    }
    // No client asks meanwhile: the worker's clock alone notices the datagrams.
    for (int tick = 0; tick < 49; ++tick)
        engine.pass(100ms);
    CHECK(!is_served(engine, early));
    for (int tick = 0; tick < 7; ++tick)
        engine.pass(100ms);
    sources_seen(server);
    CHECK(round_trip(engine, client, server));
    CHECK(!client.receive());
}

TEST_CASE("more sockets that received something than one look finds keep nobody out [S-1]") {
    constexpr std::size_t sockets = 600;
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())), sockets);
    engine.end_supply();
    const std::vector<LoopbackSocket> forged(sockets + 20);
    flood(engine, forged);
    std::vector<base::Endpoint> sources = sources_seen(server);
    sources.erase(sources.begin());  // all sockets but one receive something
    for (const base::Endpoint& source : sources)
        REQUIRE(server.send_to(source, "late"));
    engine.pump();
    engine.now += 31s;
    bool served = false;
    for (int attempt = 0; attempt < 4 && !served; ++attempt) {
        served = is_served(engine, client);
        engine.now += 200ms;
    }
    CHECK(served);
    CHECK(!client.receive());
}

TEST_CASE("a flood of forged sources leaves the last sockets to known clients [S-6]") {
    const LoopbackSocket server, steady("127.0.0.2"), returning("127.0.0.2"), stranger("127.0.0.3");
    Engine engine(config_for(accept_to(server.endpoint())), 41);
    REQUIRE(round_trip(engine, steady, server));
    REQUIRE(round_trip(engine, steady, server));  // confirmed
    engine.end_supply();
    flood(engine, std::vector<LoopbackSocket>(60));
    CHECK(engine.sessions->socket_use(engine.now)[0].free == 2);
    sources_seen(server);
    CHECK(!is_served(engine, stranger));
    CHECK(round_trip(engine, returning, server));
}

TEST_CASE("while nobody is known nothing is reserved [S-6]") {
    const LoopbackSocket server;
    Engine engine(config_for(accept_to(server.endpoint())), 41);
    engine.end_supply();
    flood(engine, std::vector<LoopbackSocket>(60));
    CHECK(engine.sessions->socket_use(engine.now)[0].free == 0);
}

TEST_CASE("as after one whose server answers [S-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())), 16);
    engine.end_supply();
    const std::vector<LoopbackSocket> forged(40);
    for (const LoopbackSocket& one : forged)
        round_trip(engine, one, server);
    CHECK(engine.refused(CloseReason::no_socket) > 0);
    engine.now += 4900ms;
    CHECK(!is_served(engine, client));
    engine.now += 1100ms;
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("the oldest quarantines are shortened, and no more than needed [S-1]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()), 4);
    Engine engine(config, 30);
    engine.end_supply();
    const std::vector<LoopbackSocket> forged(40);
    flood(engine, forged);
    engine.now += 10s;
    REQUIRE(is_served(engine, client));
    // A tenth and one are free, of which one was leased.
    const session::SocketUse use = engine.sessions->socket_use(engine.now)[0];
    CHECK(use.free == 3);
    CHECK(use.quarantined == 30 - 4 - 3);
}

TEST_CASE("while the parent has more sockets no quarantine is shortened [S-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())), 16);
    const std::vector<LoopbackSocket> forged(16);
    flood(engine, forged);
    engine.now += 10s;
    CHECK(!is_served(engine, client));
    CHECK(engine.sessions->socket_use(engine.now)[0].free == 0);
}

TEST_CASE("the quarantine of a confirmed client's session is never shortened [S-1]") {
    const LoopbackSocket server, client, other;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.lifetime = 1s;
    Engine engine(config, 1);
    REQUIRE(round_trip(engine, client, server));
    REQUIRE(round_trip(engine, client, server));
    engine.end_supply();
    engine.pass(1100ms);
    REQUIRE(engine.sessions->open_sessions() == 0);
    engine.now += 28s;
    CHECK(!is_served(engine, other));
    engine.now += 3s;
    CHECK(round_trip(engine, other, server));
}

TEST_CASE("a socket that one server may still answer serves another, which alone is heard [S-1]") {
    AfterSilence socket;
    CHECK(!socket.serves_at(29s));
    CHECK(!socket.leases->can_lease_for(socket.a.endpoint(), 0));
    REQUIRE(socket.leases->can_lease_for(socket.b.endpoint(), 0));
    socket.serve_b();
    CHECK(!socket.hears(socket.a));
    CHECK(socket.hears(socket.b));

    SECTION("and then rests for both") {
        socket.leases->give_back(socket.index, socket.start + 2s, Quarantine::unanswered);
        CHECK(!socket.serves_anybody_early());
    }
    SECTION("also when REG dies meanwhile") {
        socket.restart();
        REQUIRE(socket.leases->claim(socket.index, 2, 0, socket.b.endpoint(), net::Accepts::server));
        socket.leases->reclaim_unclaimed(socket.start + 60s, false);
        socket.leases->give_back(socket.index, socket.start + 2s, Quarantine::unanswered);
    }
    CHECK(!socket.serves_at(29s));
    CHECK(socket.serves_at(30s));
    CHECK(socket.leases->lease(0, 3, socket.start + 30s) == socket.index);
    CHECK(socket.leases->available(0, socket.start + 90s) == 0);  // it is leased once only
}

TEST_CASE("a socket whose server has answered, or answers now, serves no other early [S-1]") {
    AfterSilence socket;
    SECTION("it answers in quarantine") {
        CHECK(!socket.hears(socket.a));
    }
    SECTION("it had answered") {
        socket.serve_b();
        socket.leases->give_back(socket.index, socket.start + 30s,
                                 GENERATE(Quarantine::full, Quarantine::unconfirmed));
    }
    CHECK(!socket.serves_anybody_early());
}

TEST_CASE("clients of another server are served while a flood holds all sockets [S-1]") {
    const LoopbackSocket silent, server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl.insert(config.session_acl.begin(), accept_to(silent.endpoint()));
    config.session_acl[0].name = "attacked";
    config.session_acl[0].dscp.match = {8};
    Engine engine(config, 16);
    engine.end_supply();
    const std::vector<LoopbackSocket> forged(40);
    for (const LoopbackSocket& one : forged) {
        const int tos = 8 << 2;
        REQUIRE(::setsockopt(one.fd(), IPPROTO_IP, IP_TOS, &tos, sizeof tos) == 0);
    }
    flood(engine, forged);
    REQUIRE(engine.refused(CloseReason::no_socket) > 0);
    REQUIRE(round_trip(engine, client, server));
    for (const base::Endpoint& source : sources_seen(silent))
        silent.send_to(source, "late");
    engine.pump();
    CHECK(!client.receive());
}

TEST_CASE("strangers who send to the sockets of any-sock sessions keep no client of other rules out [S-7]") {
    const LoopbackSocket silent, server, client, stranger;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl.insert(config.session_acl.begin(), accept_to(silent.endpoint()));
    config.session_acl[0].name = "open to strangers";
    config.session_acl[0].dscp.match = {8};
    config.session_acl[0].type =
        GENERATE(conf::SessionType::any_sock, conf::SessionType::any_port, conf::SessionType::broadcast);
    Engine engine(config, 16);
    engine.end_supply();
    const std::vector<LoopbackSocket> others(40);
    for (const LoopbackSocket& one : others) {
        const int tos = 8 << 2;
        REQUIRE(::setsockopt(one.fd(), IPPROTO_IP, IP_TOS, &tos, sizeof tos) == 0);
    }
    flood(engine, others);
    const std::vector<base::Endpoint> sources = sources_seen(silent);
    REQUIRE(engine.refused(CloseReason::no_socket) > 0);
    engine.sessions->close_all(CloseReason::admin, engine.now);
    for (int i = 0; i < 5; ++i) {
        engine.pass(20s);
        for (const base::Endpoint& source : sources)
            REQUIRE(stranger.send_to(source, "scan"));
        CHECK(round_trip(engine, client, server));
    }
    CHECK(!client.receive());
}

TEST_CASE("a first datagram waits for a socket that the parent has been asked for [S-2]") {
    const LoopbackSocket server, first, second;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.udpserver.quarantine = 0s;
    config.resolver.timeout = 2s;
    Engine engine(config, 1);
    REQUIRE(round_trip(engine, first, server));
    REQUIRE(second.send_to(engine.address(), "one"));
    REQUIRE(second.send_to(engine.address(), "two"));
    engine.pump();
    CHECK(engine.sessions->waiting() == 1);
    CHECK(engine.refused(CloseReason::no_socket) == 0);

    SECTION("and is forwarded when one comes, with what followed it") {
        REQUIRE(engine.sessions->close_by_admin(engine.id_of_only(), 0s, engine.now));
        engine.sessions->settle(engine.now);
        if (GENERATE(true, false)) {
            engine.sessions->sockets_came(0, true, engine.now);
            engine.sessions->settle(engine.now);
        } else {
            CHECK(engine.sessions->next_tick() <= engine.now + 20ms);
            engine.pass(20ms);
        }
        const auto one = server.receive(), two = server.receive();
        REQUIRE((one && two));
        CHECK(one->payload == "one");
        CHECK(two->payload == "two");
        CHECK(one->from == two->from);
    }
    SECTION("and is refused when none is to come") {
        engine.end_supply();
        CHECK(engine.refused(CloseReason::no_socket) == 2);
    }
    SECTION("and is refused after the time limit") {
        engine.pass(1900ms);
        CHECK(engine.sessions->waiting() == 1);
        engine.pass(200ms);
        CHECK(engine.refused(CloseReason::no_socket) == 2);
    }
    CHECK(engine.sessions->waiting() == 0);
}

TEST_CASE("clients that wait for sockets leave half of the room to those that wait for names [S-2]") {
    const LoopbackSocket server, first;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.resolver.hold.sessions = 6;
    Engine engine(config, 1);
    REQUIRE(round_trip(engine, first, server));
    const std::vector<LoopbackSocket> more(5);
    flood(engine, more);
    CHECK(engine.sessions->waiting() == 3);
    CHECK(engine.refused(CloseReason::no_socket) == 2);
}
