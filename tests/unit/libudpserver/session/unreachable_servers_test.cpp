#include "libudpserver/session/unreachable_servers.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <memory>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

/// The kernel never connects a socket to a link-local address without an interface.
const std::string no_route = "fe80::1";

conf::Config config_to_name(const LoopbackSocket& server) {
    conf::Config config = config_for(accept_to_name("srv.example", server.endpoint().port));
    config.udpserver.max_sessions = 64;
    return config;
}

}  // namespace

TEST_CASE("clients of a server that cannot be connected get another one [D-6]") {
    const LoopbackSocket server;
    Engine engine(config_to_name(server), 64);
    engine.news("srv.example", {"127.0.0.1", no_route});
    std::vector<std::unique_ptr<LoopbackSocket>> clients;
    for (int i = 1; i <= 15; ++i) {
        clients.push_back(std::make_unique<LoopbackSocket>("127.0.7." + std::to_string(i)));
        CHECK(round_trip(engine, *clients.back(), server));
    }
    const auto& unreachable = engine.sessions->unreachable(engine.now);
    REQUIRE(unreachable.size() == 1);
    CHECK(unreachable[0].address == *base::parse_address(no_route));
    CHECK(engine.refused(CloseReason::socket_error) == 0);
    engine.pass(session::UnreachableServers::avoided_for);
    CHECK(engine.sessions->unreachable(engine.now).empty());
}

TEST_CASE("a server that cannot be connected and is the only one refuses, and is tried again [D-6]") {
    const LoopbackSocket server, client;
    Engine engine(config_to_name(server), 64);
    engine.news("srv.example", {no_route});
    for (int i = 1; i <= 3; ++i) {
        REQUIRE(client.send_to(engine.address(), "x"));
        engine.pump();
        CHECK(engine.refused(CloseReason::socket_error) == static_cast<std::uint64_t>(i));
    }
    CHECK(engine.sessions->unreachable(engine.now).empty());
    engine.news("srv.example", {"127.0.0.1"});
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("without sockets of a family its servers are skipped [D-6]") {
    const LoopbackSocket server;
    Engine engine(config_to_name(server), 64);
    engine.without_family = base::Family::v6;
    engine.restart();
    engine.news("srv.example", {"127.0.0.1", "::1"});
    for (int i = 1; i <= 15; ++i) {
        const LoopbackSocket client("127.0.7." + std::to_string(i));
        CHECK(round_trip(engine, client, server));
    }
}

TEST_CASE("a server that cannot be connected from one source-address may be from another [D-6]") {
    conf::Config config = config_for(accept_to({*base::parse_address("192.0.2.1"), 53}));
    config.session_acl[0].plug_to.push_back({{*base::parse_address("192.0.2.2"), 53}, 1});
    config.session_acl.push_back(config.session_acl[0]);
    config.session_acl.push_back(config.session_acl[0]);
    config.session_acl[1].source_address = *base::parse_address("198.51.100.1");
    const policy::Policy policy(config);
    session::UnreachableServers unreachable(policy);
    const base::Endpoint server = config.session_acl[0].plug_to[0].endpoint;
    const base::Address client = *base::parse_address("10.0.0.1");
    REQUIRE(unreachable.instead_of(server, 1, client, EADDRNOTAVAIL, base::Instant(1h)) != nullptr);
    CHECK(unreachable.contain(server, 1));
    CHECK_FALSE(unreachable.contain(server, 0));
    REQUIRE(unreachable.instead_of(server, 0, client, ENETUNREACH, base::Instant(1h)) != nullptr);
    CHECK(unreachable.contain(server, 2));
}

TEST_CASE("of the servers that can be connected those that were not silent come first [C-1][D-6]") {
    const LoopbackSocket one, two("127.0.0.2", one.endpoint().port);
    Engine engine(config_to_name(one), 64);
    engine.news("srv.example", {"127.0.0.1", "127.0.0.2", no_route});
    const auto fall_silent = [&](const LoopbackSocket& client) {
        const std::uint64_t before = engine.closed(CloseReason::no_answer);
        for (int second = 0; second < 30 && engine.closed(CloseReason::no_answer) == before; ++second) {
            engine.pass(1s);
            client.send_to(engine.address(), "x");
            engine.pump();
        }
        return engine.only().server;
    };
    for (int i = 1; i <= 9; ++i) {  // some of them have no_route as their first choice
        const LoopbackSocket client("127.0.7." + std::to_string(i));
        client.send_to(engine.address(), "x");
        engine.pump();
        const base::Endpoint first = engine.only().server, second = fall_silent(client);
        CHECK(first != second);
        CHECK(second.family == base::Family::v4);
        CHECK(fall_silent(client).family == base::Family::v4);  // both were silent, and are still better
        engine.sessions->close_all(CloseReason::admin, engine.now);
    }
    CHECK(engine.refused(CloseReason::socket_error) == 0);
}

TEST_CASE("a session that moves to a name's new servers skips those that cannot be connected [D-6]") {
    const LoopbackSocket before, after("127.0.0.2", before.endpoint().port);
    conf::Config config = config_to_name(before);
    config.session_acl[0].on_name_change = conf::OnNameChange::move;
    Engine engine(config, 128);
    engine.news("srv.example", {"127.0.0.1"});
    std::vector<std::unique_ptr<LoopbackSocket>> clients;
    for (int i = 1; i <= 15; ++i) {
        clients.push_back(std::make_unique<LoopbackSocket>("127.0.7." + std::to_string(i)));
        REQUIRE(round_trip(engine, *clients.back(), before));
    }
    engine.news("srv.example", {"127.0.0.2", no_route});
    for (const auto& client : clients)
        CHECK(round_trip(engine, *client, after));
    CHECK(engine.sessions->open_sessions() == 15);
}
