#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;
using session::State;

TEST_CASE("a new REG continues the same sessions, sockets and counters [K-6]") {
    const LoopbackSocket server;
    Engine engine(config_for(accept_to(server.endpoint())));
    std::vector<LoopbackSocket> clients(5);
    std::vector<base::Endpoint> before, after;
    for (const LoopbackSocket& client : clients) {
        REQUIRE(client.send_to(engine.address(), "x"));
        engine.pump();
        before.push_back(server.receive()->from);
    }
    const session::Adoption adoption = engine.restart();
    CHECK(adoption.adopted == 5);
    CHECK(adoption.aborted == 0);
    for (const LoopbackSocket& client : clients) {
        REQUIRE(client.send_to(engine.address(), "y"));
        engine.pump();
        after.push_back(server.receive()->from);
    }
    CHECK(before == after);
    CHECK(engine.arena.records()[0].counters.client_datagrams == 2);
}

TEST_CASE("an answer that came while no REG was there is delivered by the next one") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    const auto request = server.receive();
    engine.sessions.reset();
    REQUIRE(server.send_to(request->from, "late"));
    REQUIRE(client.send_to(engine.address(), "meanwhile"));
    engine.restart();
    engine.pump();
    CHECK(client.receive()->payload == "late");
    CHECK(server.receive()->payload == "meanwhile");
}

TEST_CASE("sessions that were being opened or closed are ended and reported") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.only().state = GENERATE(State::opening, State::closing);
    const session::Adoption adoption = engine.restart();
    CHECK(adoption.aborted == 1);
    CHECK(engine.closed(CloseReason::adoption) == 1);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("a record that does not fit sockets, policy or worker is not believed") {
    const LoopbackSocket server, elsewhere, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    session::Record& record = engine.only();
    SECTION("socket out of range") {
        record.socket = session::SocketIndex{100000};
    }
    SECTION("no socket") {
        record.socket = session::no_socket;
    }
    SECTION("another's socket") {
        record.socket = session::SocketIndex{(static_cast<std::uint32_t>(record.socket) + 1) % 16};
    }
    SECTION("connected elsewhere") {
        record.server = elsewhere.endpoint();
    }
    SECTION("rule out of range") {
        record.rule = 7;
    }
    SECTION("listener out of range") {
        record.listener = 7;
    }
    SECTION("another worker's") {
        record.worker = 3;
    }
    SECTION("another type") {
        record.type = conf::SessionType::any_sock;
    }
    SECTION("a type that is none") {
        record.type = static_cast<conf::SessionType>(200);
    }
    SECTION("a state that is none") {
        record.state = static_cast<State>(77);
    }
    SECTION("no family") {
        record.server.family = base::Family::none;
    }
    SECTION("a client of next year, which would never be idle") {
        record.last_client = engine.now + 24h * 365;
    }
    SECTION("a beginning before there was time") {
        record.created = base::Instant::min();
    }
    SECTION("a local address of another family than the client's") {
        record.local.family = base::Family::v6;
    }
    SECTION("a client that is a listener") {
        record.client = engine.address();
    }
    SECTION("a reason that is none") {
        record.reason = static_cast<CloseReason>(250);
    }
    const session::Adoption adoption = engine.restart();
    CHECK(adoption.adopted == 0);
    CHECK(adoption.aborted == 1);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(round_trip(engine, client, server));
}

namespace {

conf::HostItem only(const char* address) {
    conf::HostItem item;
    item.kind = conf::HostItem::Kind::range;
    item.first = item.last = *base::parse_address(address);
    return item;
}

/// A rule for 127.0.0.1, after one that denies 127.0.0.6 and before one for all others, who have another
/// server.
conf::Config three_rules(const LoopbackSocket& server, const LoopbackSocket& other) {
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl.resize(3, config.session_acl[0]);
    config.session_acl[0].action = conf::Action::deny;
    config.session_acl[0].from = {only("127.0.0.6")};
    config.session_acl[1].from = {only("127.0.0.1")};
    config.session_acl[2].plug_to = {{other.endpoint(), 1}};
    return config;
}

}  // namespace

TEST_CASE("a session that the policy cannot have allowed is not believed, also without a reload [E-3]") {
    const LoopbackSocket server, other, client;
    Engine engine(three_rules(server, other));
    REQUIRE(round_trip(engine, client, server));
    session::Record& record = engine.only();
    const int fd = engine.pool.sockets()[session::index_of(record.socket)].fd.get();
    const auto goes_to = [&](const base::Endpoint& elsewhere) {
        record.server = elsewhere;
        REQUIRE(net::connect_socket(fd, elsewhere) == 0);
    };
    SECTION("another rule would have taken this client") {
        record.rule = 2;
        goes_to(other.endpoint());
    }
    SECTION("the rule does not take this client") {
        record.client = {*base::parse_address("127.0.0.5"), 7};
    }
    SECTION("a rule before it denies this client") {
        record.rule = 2;
        record.client = {*base::parse_address("127.0.0.6"), 7};
        goes_to(other.endpoint());
    }
    SECTION("the rule does not have this server") {
        goes_to(other.endpoint());
    }
    SECTION("the server's port is another") {
        goes_to({server.endpoint().address(), 9});
    }
    SECTION("the proxy never chooses a server") {
        goes_to(other.endpoint());
        record.server_chosen = 1;
    }
    SECTION("the client sent to a port that is not the listener's") {
        record.local.port = 1;
    }
    const session::Adoption adoption = engine.restart();
    CHECK(adoption.adopted == 0);
    CHECK(adoption.aborted == 1);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("what a session owes to a time or a name that was another then, it keeps") {
    const LoopbackSocket server, other, client;
    conf::Config config = three_rules(server, other);
    SECTION("a time window that has ended") {
        config.session_acl[1].time = {conf::TimeWindow{.days = 0}};
    }
    SECTION("one of a rule before it") {
        config.session_acl.insert(config.session_acl.begin() + 1, config.session_acl[2]);
        config.session_acl[1].time = {conf::TimeWindow{.days = 0}};
    }
    SECTION("a name of the rule's clients") {
        conf::HostItem item;
        item.kind = conf::HostItem::Kind::name;
        item.text = "client.example.com";
        config.session_acl[1].from = {item};
    }
    SECTION("a name of its servers") {
        config.session_acl[1].plug_to.push_back(accept_to_name("server.example.com", 53).plug_to[0]);
        config.session_acl[1].plug_to[0] = config.session_acl[1].plug_to[1];
        config.session_acl[1].plug_to[0].endpoint.port = server.endpoint().port;
    }
    Engine before(three_rules(server, other));
    REQUIRE(round_trip(before, client, server));
    before.config.session_acl = config.session_acl;  // the same epoch
    if (config.session_acl.size() == 4) before.only().rule = 2;
    CHECK(before.restart().adopted == 1);
}

TEST_CASE("a session whose client has become a server is closed by the policy: replies would loop [A-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.only().client = server.endpoint();
    const session::Adoption adoption = engine.restart();
    CHECK(adoption.adopted == 0);
    CHECK(adoption.aborted == 0);
    CHECK(engine.closed(CloseReason::policy) == 1);
    CHECK(engine.sessions->open_sessions() == 0);
}

TEST_CASE("a session that the last REG had closed is counted once, with its reason [E-9]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.only().reason = CloseReason::idle;
    engine.only().state = GENERATE(State::open, State::closing);
    const session::Adoption adoption = engine.restart(GENERATE(false, true));
    CHECK(adoption.recorded == 1);
    CHECK(adoption.aborted == 0);
    CHECK(engine.totals().aborted.get() == 0);
    CHECK(engine.totals().closed.get() == 1);
    CHECK(engine.closed(CloseReason::idle) == 1);
    CHECK(engine.closed(CloseReason::adoption) == 0);
    CHECK(engine.sessions->open_sessions() == 0);
}

TEST_CASE("two records with one key, or with one socket: only one is taken") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    session::Record& record = engine.only();
    session::Record& copy = *std::find_if(engine.arena.records().begin(), engine.arena.records().end(),
                                          [](const session::Record& r) { return r.state == State::free; });
    copy = record;
    const session::Adoption adoption = engine.restart();
    CHECK(adoption.adopted == 1);
    CHECK(adoption.aborted == 1);
}

TEST_CASE("a fresh start takes nothing over, and reports everything") {
    const LoopbackSocket server;
    Engine engine(config_for(accept_to(server.endpoint())));
    const std::vector<LoopbackSocket> clients(3);
    for (const LoopbackSocket& client : clients)
        REQUIRE(round_trip(engine, client, server));
    const session::Adoption adoption = engine.restart(true);
    CHECK(adoption.adopted == 0);
    CHECK(adoption.aborted == 3);
    CHECK(engine.sessions->open_sessions() == 0);
}

TEST_CASE("timers and limits survive a restart") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.lifetime = 10s;
    Engine engine(config);
    REQUIRE(round_trip(engine, client, server));
    engine.now += 9s;
    engine.restart();
    CHECK(engine.sessions->open_sessions() == 1);
    engine.pass(1200ms);
    CHECK(engine.closed(CloseReason::lifetime) == 1);
}

TEST_CASE("a quarantine continues under the next REG") {
    const LoopbackSocket server, first, second;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].limits.unanswered = 1s;
    config.udpserver.quarantine = 30s;
    Engine engine(config, 1);
    REQUIRE(first.send_to(engine.address(), "x"));
    engine.pump();
    engine.pass(1200ms);
    REQUIRE(engine.sessions->open_sessions() == 0);
    engine.restart();
    engine.end_supply();
    engine.now += 20s;
    REQUIRE(second.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(engine.refused(CloseReason::no_socket) == 1);
    engine.now += 20s;
    server.receive();
    CHECK(round_trip(engine, second, server));
}

TEST_CASE("garbage in the whole arena is bounded [E-3]", "[fuzz]") {
    const LoopbackSocket server, client, later;
    std::mt19937 random(GENERATE(7u, 42u, 4711u));
    const bool fresh = GENERATE(false, true);
    for (int round = 0; round < 100; ++round) {
        Engine engine(config_for(accept_to(server.endpoint())), 8);
        REQUIRE(round_trip(engine, client, server));
        const auto scribble = [&random](auto& object, std::size_t share) {
            auto* bytes = reinterpret_cast<unsigned char*>(&object);
            for (std::size_t i = 0; i < sizeof object; ++i) {
                if (random() % share == 0) bytes[i] = static_cast<unsigned char>(random());
            }
        };
        for (session::Record& record : engine.arena.records())
            scribble(record, 1 + random() % 50);
        for (session::PoolEntry& entry : engine.arena.pool())
            scribble(entry, 1 + random() % 8);
        scribble(engine.arena.totals(0), 3);
        engine.restart(fresh);
        // Whatever the entries said: after a quarantine every socket without a session serves again.
        engine.pass(session::Duration(engine.config.udpserver.quarantine) + 1s);
        engine.sessions->close_all(CloseReason::admin, engine.now);
        engine.pass(session::Duration(engine.config.udpserver.quarantine) + 1s);
        REQUIRE(engine.sessions->socket_use(engine.now)[0].free == 8);
        while (server.receive() || later.receive())
            continue;
        CHECK(round_trip(engine, later, server));
        engine.sessions->close_all(CloseReason::process_end, engine.now);
        CHECK(engine.sessions->open_sessions() == 0);
    }
}

TEST_CASE("every single byte of a session's record and socket may be wrong [E-3]") {
    const LoopbackSocket server, client, later;
    const std::size_t size = sizeof(session::Record) + sizeof(session::PoolEntry);
    for (std::size_t at = 0; at < size; ++at) {
        Engine engine(config_for(accept_to(server.endpoint())), 8);
        REQUIRE(round_trip(engine, client, server));
        session::Record& record = engine.only();
        session::PoolEntry& entry = engine.arena.pool()[session::index_of(record.socket)];
        auto* const bytes = at < sizeof record
                                ? reinterpret_cast<unsigned char*>(&record) + at
                                : reinterpret_cast<unsigned char*>(&entry) + at - sizeof record;
        *bytes = static_cast<unsigned char>(*bytes ^ 0xff);
        engine.restart();
        while (server.receive() || later.receive())
            continue;
        REQUIRE(round_trip(engine, later, server));
        engine.sessions->close_all(CloseReason::admin, engine.now);
        engine.pass(session::Duration(engine.config.udpserver.quarantine) + 1s);
        REQUIRE(engine.sessions->socket_use(engine.now)[0].free == 8);
    }
}

TEST_CASE("a quarantine in the far future is not believed [E-3]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())), 4);
    for (session::PoolEntry& entry : engine.arena.pool())
        entry.quarantined_until = engine.now + 24h * 365;
    engine.restart();
    CHECK(engine.sessions->socket_use(engine.now)[0].free == 0);
    engine.pass(session::Duration(engine.config.udpserver.quarantine));
    CHECK(engine.sessions->socket_use(engine.now)[0].free == 4);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("a socket that is said to be idle, but is open, serves nobody until its quarantine is over [E-3]") {
    const LoopbackSocket server, client, other;
    Engine engine(config_for(accept_to(server.endpoint())), 1);
    REQUIRE(round_trip(engine, client, server));
    REQUIRE(client.send_to(engine.address(), "ask"));
    engine.pump();
    const auto request = server.receive();
    engine.arena.pool()[0] = {};
    engine.restart();
    engine.end_supply();
    REQUIRE(server.send_to(request->from, "late"));
    REQUIRE(other.send_to(engine.address(), "ask"));
    engine.pump();
    CHECK(!other.receive());
    CHECK(engine.refused(CloseReason::no_socket) == 1);
}
