// What waits for names is bounded, and costs a source no more and no less than what does not wait.

#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/policy/policy_fixture.hpp"
#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

const std::string name = "dns.example.com";

conf::Config config_for_name(const LoopbackSocket& server) {
    return config_for(accept_to_name(name, server.endpoint().port));
}

void send(Engine& engine, const LoopbackSocket& client, const std::string& payload = "x") {
    REQUIRE(client.send_to(engine.address(), payload));
    engine.pump();
}

std::size_t received(const LoopbackSocket& server) {
    std::size_t count = 0;
    while (server.receive())
        ++count;
    return count;
}

}  // namespace

TEST_CASE("the 17th datagram of a client finds no room [K-58]") {
    const LoopbackSocket server, client;
    Engine engine(config_for_name(server));
    for (int i = 0; i < 17; ++i)
        send(engine, client);
    CHECK(engine.totals().held.get() == 16);
    CHECK(engine.totals().hold_dropped.get() == 1);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == 16);
}

TEST_CASE("nor does one that is too many bytes, while a smaller one does") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_name(server);
    config.resolver.hold.bytes = 100;
    Engine engine(config);
    send(engine, client, std::string(60, 'x'));
    send(engine, client, std::string(60, 'x'));
    send(engine, client, std::string(40, 'x'));
    CHECK(engine.totals().held.get() == 2);
    CHECK(engine.totals().hold_dropped.get() == 1);
}

TEST_CASE("a first datagram without room is refused, and does not wait") {
    const LoopbackSocket server;
    const std::vector<LoopbackSocket> clients(5);
    conf::Config config = config_for_name(server);
    SECTION("too many clients wait") {
        config.resolver.hold.sessions = 3;
    }
    SECTION("the memory is full") {
        config.resolver.hold.memory = 3 * (sizeof(session::HoldQueue::Held) + 1);
    }
    Engine engine(config);
    for (const LoopbackSocket& client : clients)
        send(engine, client);
    CHECK(engine.sessions->waiting() == 3);
    CHECK(engine.refused(CloseReason::resolve_failure) == 2);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == 3);
    CHECK(engine.sessions->open_sessions() == 3);
    // The room is free again, if anybody needs it.
    for (const LoopbackSocket& client : clients)
        send(engine, client);
    CHECK(received(server) == 5);
}

TEST_CASE("too many look-ups are under way: the next client is refused") {
    const LoopbackSocket server, first("127.0.0.2"), second("127.0.0.3");
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].from = {pattern(".*")};
    config.resolver.hold.sessions = 1;
    config.resolver.timeout = 1s;
    Engine engine(config);
    send(engine, first);
    engine.pass(1s);  // it waits no longer, but its question is still open
    REQUIRE(engine.sessions->waiting() == 0);
    send(engine, second);
    CHECK(engine.refused(CloseReason::resolve_failure) == 2);
    CHECK(engine.lookups.count == 1);
    engine.answer(found({"a"}));
    send(engine, second);
    CHECK(engine.lookups.count == 2);
}

TEST_CASE("names resolve during a flood: the datagrams of all clients are forwarded in order") {
    const LoopbackSocket server;
    const std::vector<LoopbackSocket> clients(40);
    Engine engine(config_for(accept_to_name(name, server.endpoint().port), 64), 128);
    for (int round = 0; round < 5; ++round)
        for (std::size_t i = 0; i < clients.size(); ++i)
            REQUIRE(clients[i].send_to(engine.address(), std::to_string(round)));
    engine.pump();
    CHECK(engine.sessions->waiting() == clients.size());
    for (const LoopbackSocket& client : clients)
        REQUIRE(client.send_to(engine.address(), "5"));
    engine.news(name, {"127.0.0.1"});
    engine.pump();
    std::map<base::Endpoint, std::string> by_socket;
    while (const auto datagram = server.receive())
        by_socket[datagram->from] += datagram->payload;
    CHECK(by_socket.size() == clients.size());
    for (const auto& [socket, text] : by_socket)
        CHECK(text == "012345");
}

TEST_CASE("the rates of a source are charged once: when it begins to wait [K-77]") {
    const LoopbackSocket server, first, second;
    conf::Config config = config_for_name(server);
    SECTION("of its address") {
        config.udpserver.per_address.new_per_second = 1;
    }
    SECTION("of its network") {
        config.udpserver.per_network.new_per_second = 1;
    }
    SECTION("of all") {
        config.udpserver.new_sessions_per_second = 1;
    }
    Engine engine(config);
    send(engine, first);
    send(engine, first);
    CHECK(engine.totals().refused.get() == 0);
    send(engine, second);
    CHECK(engine.totals().refused.get() == 1);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == 2);
    CHECK(engine.totals().refused.get() == 1);
    send(engine, second);
    CHECK(engine.totals().refused.get() == 2);
    engine.pass(1s);
    CHECK(round_trip(engine, second, server));
}

TEST_CASE("only the first session is paid for: what a replay opens beyond it is charged") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_name(server);
    config.session_acl[0].limits.client_datagrams = 1;
    config.udpserver.per_address.new_per_second = 2;
    Engine engine(config);
    for (int i = 0; i < 4; ++i)
        send(engine, client);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == 2);
    CHECK(engine.refused(CloseReason::source_limited) == 2);
}

TEST_CASE("the open sessions of a source are counted when they are open") {
    const LoopbackSocket server, first, second;
    conf::Config config = config_for_name(server);
    config.udpserver.per_address.open = 1;
    Engine engine(config);
    send(engine, first);
    send(engine, second);
    CHECK(engine.sessions->waiting() == 2);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == 1);
    CHECK(engine.refused(CloseReason::source_limited) == 1);
}

TEST_CASE("log.names: the client's host is asked for without making it wait, and not too often") {
    const LoopbackSocket server, first, second, other("127.0.0.2"), third("127.0.0.3");
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.log.names = true;
    config.resolver.hold.sessions = 4;
    Engine engine(config);
    CHECK(round_trip(engine, first, server));
    CHECK(round_trip(engine, second, server));
    CHECK(engine.lookups.count == 1);
    CHECK(round_trip(engine, other, server));
    CHECK(round_trip(engine, third, server));
    CHECK(engine.lookups.count == 2);  // the other half is for those who wait
    engine.sessions->close_all(CloseReason::process_end, engine.now);
    engine.answer(found({"pc.example.com"}));  // for sessions that are gone
    engine.answer(no_answer(base::LookupAnswer::server_failure));
    CHECK(engine.sessions->open_sessions() == 0);
}

TEST_CASE("without log.names no client is looked up") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    CHECK(round_trip(engine, client, server));
    CHECK(engine.lookups.count == 0);
}
