#include <catch2/catch.hpp>

#include "libudpserver/session/session_engine.hpp"
#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

base::Endpoint at(const char* address, std::uint16_t port) {
    return {*base::parse_address(address), port};
}

/// A datagram whose source is whatever its sender wrote into it.
void forge(Engine& engine, const base::Endpoint& from, const char* to = "127.0.0.1") {
    std::array<std::byte, 1> payload{};
    net::Datagram datagram{
        .payload = payload, .from = from, .local = at(to, engine.address().port), .tos = 0};
    engine.sessions->on_client(0, datagram, engine.now);
    engine.sessions->settle(engine.now);
}

conf::Config wildcard_config(const LoopbackSocket& server) {
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.listen_on[0].address = base::Address::any(base::Family::v4);
    return config;
}

}  // namespace

TEST_CASE("a server of any rule is no client: its answers would loop [A-1]") {
    const LoopbackSocket server;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl.push_back(accept_to(at("127.0.0.40", 4000)));
    config.session_acl.push_back(accept_to_name("servers.example", 4001));
    Engine engine(config);
    engine.news("servers.example", {"127.0.0.41", "127.0.0.42"});
    for (const base::Endpoint& from : {server.endpoint(), at("127.0.0.40", 4000), at("127.0.0.42", 4001)})
        forge(engine, from);
    CHECK(engine.refused(CloseReason::bad_source) == 3);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(!server.receive());

    forge(engine, at("127.0.0.40", 4001));
    CHECK(server.receive());

    engine.news("servers.example", {"127.0.0.43"});
    forge(engine, at("127.0.0.42", 4001));
    CHECK(server.receive());
    CHECK(engine.refused(CloseReason::bad_source) == 3);
}

TEST_CASE("a host that may answer a broadcast is no client on the server's port [A-1]") {
    conf::Rule rule = accept_to(at("192.0.2.255", 4000));
    rule.type = conf::SessionType::broadcast;
    rule.broadcast_prefix = 24;
    Engine engine(config_for(rule));
    forge(engine, at("192.0.2.7", 4000));
    CHECK(engine.refused(CloseReason::bad_source) == 1);
    forge(engine, at("192.0.2.7", 4001));
    forge(engine, at("192.0.3.7", 4000));
    CHECK(engine.refused(CloseReason::bad_source) == 1);
}

TEST_CASE("a server-side source of our own is no client: broadcasts come back to wildcards [A-1][A-2]") {
    const LoopbackSocket server;
    conf::Config config = config_for(accept_to(server.endpoint()));
    const bool bound = GENERATE(false, true);
    if (bound) config.session_acl[0].source_address = *base::parse_address("127.0.0.1");
    Engine engine(config);
    engine.machine = {*base::parse_address("192.0.2.1")};
    engine.pass(2s);
    const std::uint16_t port = net::local_endpoint(engine.pool.sockets()[0].fd.get()).port;
    forge(engine, at("127.0.0.1", port));
    CHECK(engine.refused(CloseReason::bad_source) == 1);
    forge(engine, at("192.0.2.1", port));
    CHECK(engine.refused(CloseReason::bad_source) == (bound ? 1 : 2));
    // Another host's, by chance from the same port.
    forge(engine, at("127.0.0.1", port == 65535 ? 1024 : 65535));
    forge(engine, at("192.0.2.2", port));
    CHECK(engine.refused(CloseReason::bad_source) == (bound ? 1 : 2));
}

TEST_CASE("a socket that a session uses stays a source of our own in the next REG [A-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(client.send_to(engine.address(), "ask"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(request);
    engine.restart();
    forge(engine, request->from);
    CHECK(engine.refused(CloseReason::bad_source) == 1);
}

TEST_CASE("a program of this machine may have the port of a connected socket on another address [A-1]") {
    const LoopbackSocket server, client;
    Engine engine(config_for(accept_to(server.endpoint())));
    REQUIRE(client.send_to(engine.address(), "ask"));
    engine.pump();
    const auto request = server.receive();
    REQUIRE(request);
    const LoopbackSocket other("127.0.0.2", request->from.port);
    CHECK(round_trip(engine, other, server));
    CHECK(engine.refused(CloseReason::bad_source) == 0);
}

TEST_CASE("a wildcard listener takes no source with its port and any address of this machine [A-1]") {
    const LoopbackSocket server;
    Engine engine(wildcard_config(server));
    engine.machine = {*base::parse_address("192.0.2.1")};
    engine.pass(2s);
    forge(engine, at("192.0.2.1", engine.address().port), "127.0.0.1");
    CHECK(engine.refused(CloseReason::bad_source) == 1);
    forge(engine, at("192.0.2.2", engine.address().port), "127.0.0.1");
    CHECK(engine.refused(CloseReason::bad_source) == 1);
}

TEST_CASE("explain refuses a source that would loop, and asks for none where the port is left out [A-1]") {
    const LoopbackSocket server;
    Engine engine(config_for(accept_to(server.endpoint())));
    policy::Question question;
    question.client = server.endpoint();
    question.local = engine.address();
    CHECK(engine.sessions->explain(question, 0, engine.now).reason == CloseReason::bad_source);
    question.client.port = 0;
    CHECK(engine.sessions->explain(question, 0, engine.now).reason == CloseReason::none);
}

TEST_CASE("a server that becomes an address of this machine is refused from then on [A-3]") {
    const LoopbackSocket server;
    conf::Config config = wildcard_config(server);
    const std::uint16_t port = LoopbackSocket().endpoint().port;
    config.listen_on[0].port = {port, port};
    config.session_acl[0].plug_to = {{at("192.0.2.1", port), 1}};
    Engine engine(config);
    engine.machine = {*base::parse_address("192.0.2.1")};
    engine.pass(2s);
    policy::Question question;
    question.client = at("127.0.0.9", 4000);
    question.local = engine.address();
    CHECK(engine.sessions->explain(question, 0, engine.now).reason == CloseReason::loop);
    forge(engine, question.client);
    CHECK(engine.refused(CloseReason::loop) == 1);
    engine.machine = {};
    engine.pass(2s);
    CHECK(engine.sessions->explain(question, 0, engine.now).reason == CloseReason::none);
}

TEST_CASE("a name that means an address of this machine on a wildcard's port is no server [A-3]") {
    conf::Config config = config_for(accept_to_name("loop.example", 0));
    const std::uint16_t port = LoopbackSocket().endpoint().port;
    config.listen_on[0] = {base::Address::any(base::Family::v4), {port, port}};
    config.session_acl[0].plug_to[0].endpoint.port = port;
    Engine engine(config);
    engine.machine = {*base::parse_address("192.0.2.1")};
    engine.pass(2s);
    engine.news("loop.example", {"192.0.2.1"});
    forge(engine, at("127.0.0.9", 4000));
    CHECK(engine.refused(CloseReason::resolve_failure) == 1);
}
