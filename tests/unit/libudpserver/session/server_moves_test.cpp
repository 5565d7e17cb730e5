#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using conf::OnNameChange;
using session::CloseReason;

namespace {

const std::string name = "dns.example.com";

/// Two hosts with the same port.
struct Hosts {
    LoopbackSocket a{"127.0.0.1"}, b{"127.0.0.2", a.endpoint().port};
};

conf::Config config_for_name(const Hosts& hosts, OnNameChange what) {
    conf::Config config = config_for(accept_to_name(name, hosts.a.endpoint().port));
    config.session_acl[0].on_name_change = what;
    return config;
}

}  // namespace

TEST_CASE("new sessions use the new addresses of a name, running ones stay where they are [K-54]") {
    const Hosts hosts;
    const LoopbackSocket first, second;
    Engine engine(config_for_name(hosts, OnNameChange::keep));
    CHECK(engine.news(name, {"127.0.0.1"}) == 0);
    REQUIRE(round_trip(engine, first, hosts.a));
    CHECK(engine.news(name, {"127.0.0.2"}) == 1);
    CHECK(round_trip(engine, first, hosts.a));
    CHECK(round_trip(engine, second, hosts.b));
    CHECK(engine.news(name, {"127.0.0.2", "127.0.0.3"}) == 0);
    CHECK(engine.news(name, {"127.0.0.2", "127.0.0.3"}) == 0);
    CHECK(engine.unresolved(name) == 0);  // K-55: what it meant
    CHECK(engine.sessions->open_sessions() == 2);
}

TEST_CASE("on-name-change: close ends the sessions on an address that went, and no others") {
    const Hosts hosts;
    const std::vector<LoopbackSocket> clients(3);
    Engine engine(config_for_name(hosts, OnNameChange::close));
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, clients[0], hosts.a));
    REQUIRE(round_trip(engine, clients[1], hosts.a));
    CHECK(engine.news(name, {"127.0.0.1", "127.0.0.2"}) == 0);
    CHECK(engine.sessions->open_sessions() == 2);
    CHECK(engine.news(name, {"127.0.0.2"}) == 2);
    CHECK(engine.closed(CloseReason::name_change) == 2);
    CHECK(round_trip(engine, clients[2], hosts.b));
    SECTION("a name that means nothing any more is a change, too") {
        CHECK(engine.news(name, {}) == 1);
        CHECK(engine.closed(CloseReason::name_change) == 3);
    }
}

TEST_CASE("on-name-change: move gives the session a new server and socket; its counters are kept") {
    const Hosts hosts;
    const LoopbackSocket client;
    Engine engine(config_for_name(hosts, OnNameChange::move));
    engine.news(name, {"127.0.0.1"});
    REQUIRE(client.send_to(engine.address(), "ask"));
    engine.pump();
    const base::Endpoint old_socket = hosts.a.receive()->from;
    CHECK(engine.news(name, {"127.0.0.2"}) == 1);
    CHECK(engine.totals().created.get() == 1);
    hosts.a.send_to(old_socket, "late");  // refused by the kernel, or received by no socket
    engine.pump();
    CHECK(!client.receive());
    REQUIRE(client.send_to(engine.address(), "again"));
    engine.pump();
    const auto asked = hosts.b.receive();
    REQUIRE(asked);
    CHECK(asked->from != old_socket);
    hosts.a.send_to(asked->from, "late, and to the new socket");
    REQUIRE(hosts.b.send_to(asked->from, "answer"));
    engine.pump();
    CHECK(client.receive()->payload == "answer");
    CHECK(!client.receive());
    CHECK(engine.only().counters.client_datagrams == 2);
    CHECK(engine.restart().adopted == 1);
}

TEST_CASE("the old socket of a moved session rests, as after any session") {
    const Hosts hosts;
    const LoopbackSocket client;
    Engine engine(config_for_name(hosts, OnNameChange::move), 4);  // two sockets of each family
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, hosts.a));
    engine.news(name, {"127.0.0.2"});
    CHECK(engine.sessions->socket_use(engine.now)[0].quarantined == 1);
    CHECK(engine.sessions->socket_use(engine.now)[0].free == 0);
    SECTION("so a second move finds none, and when there are no more the session ends") {
        CHECK(engine.news(name, {"127.0.0.1"}) == 1);
        CHECK(round_trip(engine, client, hosts.b));
        engine.sessions->sockets_came(0, false, engine.now);
        engine.sessions->settle(engine.now);
        CHECK(engine.closed(CloseReason::no_socket) == 1);
    }
    SECTION("and after its rest it serves again") {
        engine.now += 31s;
        REQUIRE(round_trip(engine, client, hosts.b));
        CHECK(engine.news(name, {"127.0.0.1"}) == 1);
        CHECK(round_trip(engine, client, hosts.a));
    }
}

TEST_CASE(
    "more sessions move than there are sockets: the others stay where they are until more are available") {
    const Hosts hosts;
    const std::vector<LoopbackSocket> clients(3);
    conf::Config config = config_for_name(hosts, OnNameChange::move);
    config.session_acl[0].limits.unconfirmed = 0s;
    Engine engine(config, 8);  // four sockets of each family
    engine.news(name, {"127.0.0.1"});
    for (const LoopbackSocket& client : clients)
        REQUIRE(round_trip(engine, client, hosts.a));
    CHECK(engine.news(name, {"127.0.0.2"}) == 3);
    const auto with_b = [&] {
        return std::ranges::count_if(engine.arena.records(), [&](const session::Record& record) {
            return record.state == session::State::open && record.server == hosts.b.endpoint();
        });
    };
    CHECK(with_b() == 1);
    CHECK(engine.sessions->open_sessions() == 3);
    CHECK(!engine.requests.empty());
    engine.now += 31s;  // instead of new sockets: one has rested
    engine.sessions->sockets_came(0, true, engine.now);
    CHECK(with_b() == 3);
    for (const LoopbackSocket& client : clients)
        CHECK(round_trip(engine, client, hosts.b));
    CHECK(engine.totals().created.get() == 3);
}

TEST_CASE(
    "of many sessions on an address that went a part leaves at once, the rest little by little [K-57]") {
    constexpr std::size_t count = 600;
    const Hosts hosts;
    const std::vector<LoopbackSocket> clients(count);
    const OnNameChange what = GENERATE(OnNameChange::move, OnNameChange::close);
    conf::Config config = config_for_name(hosts, what);
    config.udpserver.max_sessions = 2 * count;
    Engine engine(config, 4 * count);
    for (int chunk = 0; chunk < 10; ++chunk)
        engine.pool.grow(0, 0, 128);
    engine.restart();
    engine.news(name, {"127.0.0.1"});
    for (const LoopbackSocket& client : clients)
        REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    REQUIRE(engine.sessions->open_sessions() == count);
    const auto with_a = [&] {
        return static_cast<std::size_t>(
            std::ranges::count_if(engine.arena.records(), [&](const session::Record& record) {
                return record.state == session::State::open && record.server == hosts.a.endpoint();
            }));
    };
    CHECK(engine.news(name, {"127.0.0.2"}) == count);
    CHECK(with_a() > count / 2);
    CHECK(with_a() < count);
    REQUIRE(engine.sessions->next_tick());
    CHECK(*engine.sessions->next_tick() <= engine.now);
    SECTION("all of them, in a few ticks") {
        for (int tick = 0; tick < 4; ++tick)
            engine.pass(1ms);
        CHECK(with_a() == 0);
        CHECK(engine.sessions->open_sessions() == (what == OnNameChange::move ? count : 0));
    }
    SECTION("but for those whose address has come back meanwhile") {
        const std::size_t left = count - with_a();
        engine.news(name, {"127.0.0.1", "127.0.0.2"});
        for (int tick = 0; tick < 4; ++tick)
            engine.pass(1ms);
        CHECK(with_a() == count - left);
    }
}

TEST_CASE("who waits to move stays when the address has come back, or when it has ended") {
    const Hosts hosts;
    const std::vector<LoopbackSocket> clients(2);
    conf::Config config = config_for_name(hosts, OnNameChange::move);
    config.session_acl[0].limits.unconfirmed = 0s;
    Engine engine(config, 4);
    engine.news(name, {"127.0.0.1"});
    for (const LoopbackSocket& client : clients)
        REQUIRE(round_trip(engine, client, hosts.a));
    CHECK(engine.news(name, {"127.0.0.2"}) == 2);
    engine.news(name, {"127.0.0.1", "127.0.0.2"});
    engine.now += 31s;
    engine.sessions->sockets_came(0, true, engine.now);
    CHECK(round_trip(engine, clients[0], hosts.a));
    CHECK(engine.news(name, {"127.0.0.2"}) == 2);
    engine.sessions->close_all(CloseReason::process_end, engine.now);
    engine.now += 31s;
    REQUIRE(round_trip(engine, clients[0], hosts.b));  // in the place of one that waited
    engine.sessions->sockets_came(0, false, engine.now);
    engine.sessions->settle(engine.now);
    CHECK(engine.closed(CloseReason::no_socket) == 0);
}

TEST_CASE("a change of a name looks at no more places than it must") {
    const Hosts hosts;
    const LoopbackSocket client;
    Engine engine(config_for_name(hosts, OnNameChange::keep));
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, hosts.a));
    engine.arena.records().back() = engine.only();  // behind the last open one: would be counted, too
    CHECK(engine.news(name, {"127.0.0.2"}) == 1);
    engine.arena.records().back() = {};
}

TEST_CASE("there is nowhere to move to: the session stays [K-55]") {
    const Hosts hosts;
    const LoopbackSocket client, other;
    Engine engine(config_for_name(hosts, OnNameChange::move));
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, hosts.a));
    CHECK(engine.news(name, {}) == 1);
    CHECK(round_trip(engine, client, hosts.a));
    REQUIRE(other.send_to(engine.address(), "x"));
    engine.pump();
    CHECK(engine.refused(CloseReason::resolve_failure) == 1);
}

TEST_CASE("a move can lead to the other family") {
    const LoopbackSocket a, client;
    const LoopbackSocket b("::1", a.endpoint().port);
    conf::Config config = config_for(accept_to_name(name, a.endpoint().port));
    config.session_acl[0].on_name_change = OnNameChange::move;
    Engine engine(config);
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, a));
    engine.news(name, {"::1"});
    CHECK(engine.only().server == b.endpoint());
    CHECK(round_trip(engine, client, b));
    engine.news(name, {"127.0.0.1"});
    CHECK(round_trip(engine, client, a));
}

TEST_CASE("an address that another entry still has has not gone") {
    const Hosts hosts;
    const LoopbackSocket client;
    conf::Config config = config_for_name(hosts, OnNameChange::close);
    SECTION("an address in the list") {
        config.session_acl[0].plug_to.push_back({hosts.a.endpoint(), 1});
        Engine engine(config);
        engine.news(name, {"127.0.0.1"});
        REQUIRE(round_trip(engine, client, hosts.a));
        CHECK(engine.news(name, {"127.0.0.2"}) == 0);
        CHECK(engine.sessions->open_sessions() == 1);
    }
    SECTION("another name") {
        config.session_acl[0].plug_to.push_back(config.session_acl[0].plug_to[0]);
        config.session_acl[0].plug_to[1].name = "other.example.com";
        Engine engine(config);
        engine.news("other.example.com", {"127.0.0.1"});
        engine.news(name, {"127.0.0.1"});
        REQUIRE(round_trip(engine, client, hosts.a));
        CHECK(engine.news(name, {"127.0.0.2"}) == 0);
        CHECK(engine.sessions->open_sessions() == 1);
        CHECK(engine.news("other.example.com", {}) == 1);
    }
}

TEST_CASE("a server that answered first in an any-sock session and was in no list is left alone") {
    const Hosts hosts;
    const LoopbackSocket client, stranger("127.0.0.7");
    conf::Config config = config_for_name(hosts, OnNameChange::close);
    config.session_acl[0].type = conf::SessionType::any_sock;
    Engine engine(config);
    engine.news(name, {"127.0.0.1"});
    REQUIRE(client.send_to(engine.address(), "x"));
    engine.pump();
    const base::Endpoint socket = hosts.a.receive()->from;
    SECTION("the stranger") {
        REQUIRE(stranger.send_to(socket, "y"));
        engine.pump();
        CHECK(engine.news(name, {"127.0.0.2"}) == 0);
        CHECK(engine.restart().adopted == 1);
        CHECK(engine.news(name, {"127.0.0.2"}) == 0);
        CHECK(engine.sessions->open_sessions() == 1);
    }
    SECTION("the one in the list") {
        REQUIRE(hosts.a.send_to(socket, "y"));
        engine.pump();
        CHECK(engine.news(name, {"127.0.0.2"}) == 1);
        CHECK(engine.sessions->open_sessions() == 0);
    }
}

TEST_CASE("a server that the proxy chose is no business of the name's") {
    struct Chooses : session::Proxy {
        [[nodiscard]] bool chooses_servers() const override { return true; }
        base::Endpoint server;
        std::unique_ptr<session::SessionHandler> open(session::SessionContext& context) override {
            CHECK(context.set_server(server));
            return nullptr;
        }
    } proxy;
    const Hosts hosts;
    const LoopbackSocket client, chosen("127.0.0.7");
    proxy.server = chosen.endpoint();
    Engine engine(config_for_name(hosts, OnNameChange::close), 16, &proxy);
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, chosen));
    CHECK(engine.news(name, {"127.0.0.2"}) == 0);
    engine.restart();
    CHECK(engine.news(name, {"127.0.0.2"}) == 0);
    CHECK(round_trip(engine, client, chosen));
}

TEST_CASE("sessions are adopted before their name resolves, and judged by its first answer") {
    const Hosts hosts;
    const LoopbackSocket client;
    Engine engine(config_for_name(hosts, OnNameChange::close));
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, hosts.a));
    CHECK(engine.restart().adopted == 1);
    CHECK(round_trip(engine, client, hosts.a));
    SECTION("it means the same") {
        CHECK(engine.news(name, {"127.0.0.1"}) == 0);
        CHECK(round_trip(engine, client, hosts.a));
    }
    SECTION("it means something else") {
        CHECK(engine.news(name, {"127.0.0.2"}) == 1);
        CHECK(engine.closed(CloseReason::name_change) == 1);
    }
    SECTION("it does not resolve: that says nothing about addresses; the next answer does") {
        CHECK(engine.unresolved(name) == 0);
        CHECK(round_trip(engine, client, hosts.a));
        CHECK(engine.news(name, {"127.0.0.2"}) == 1);
    }
}

TEST_CASE("an adopted session whose rule has two names is judged when both have been heard of") {
    const Hosts hosts;
    const LoopbackSocket client;
    conf::Config config = config_for_name(hosts, OnNameChange::close);
    config.session_acl[0].plug_to.push_back(config.session_acl[0].plug_to[0]);
    config.session_acl[0].plug_to[1].name = "other.example.com";
    Engine engine(config);
    engine.news(name, {"127.0.0.1"});
    REQUIRE(round_trip(engine, client, hosts.a));
    engine.restart();
    CHECK(engine.news(name, {"127.0.0.2"}) == 0);
    CHECK(engine.sessions->open_sessions() == 1);
    SECTION("the other one has it") {
        CHECK(engine.news("other.example.com", {"127.0.0.1"}) == 0);
    }
    SECTION("neither has it") {
        CHECK(engine.news("other.example.com", {"127.0.0.3"}) == 1);
        CHECK(engine.closed(CloseReason::name_change) == 1);
    }
}

TEST_CASE("a session that only waits for answers is not moved away from them") {
    const Hosts hosts;
    const LoopbackSocket client;
    conf::Config config = config_for_name(hosts, OnNameChange::move);
    config.session_acl[0].limits.client_datagrams = 1;
    Engine engine(config);
    engine.news(name, {"127.0.0.1"});
    REQUIRE(client.send_to(engine.address(), "ask"));
    engine.pump();
    const auto asked = hosts.a.receive();
    CHECK(engine.news(name, {"127.0.0.2"}) == 1);
    REQUIRE(hosts.a.send_to(asked->from, "answer"));
    engine.pump();
    CHECK(client.receive()->payload == "answer");
}

TEST_CASE("a name that means our own listener is no server: it would be a loop") {
    const LoopbackSocket client;
    const std::uint16_t port = LoopbackSocket().endpoint().port;  // free again
    conf::Config config = config_for(accept_to_name(name, port));
    const base::Address loopback = *base::parse_address("127.0.0.1");
    config.listen_on[0] = {GENERATE_COPY(base::Address::any(base::Family::v4), loopback), {port, port}};
    Engine engine(config);
    engine.news(name, {"127.0.0.1"});
    REQUIRE(client.send_to({loopback, port}, "x"));
    engine.pump();
    CHECK(engine.refused(CloseReason::resolve_failure) == 1);
}
