#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/policy/policy_fixture.hpp"
#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;
using Status = base::LookupAnswer::Status;

namespace {

const std::string name = "dns.example.com";

/// Clients with this name, and only they, may come to the server.
conf::Config config_for_pattern(const LoopbackSocket& server) {
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].from = {pattern(".*\\.example\\.com")};
    return config;
}

conf::Config config_for_name(const LoopbackSocket& server) {
    return config_for(accept_to_name(name, server.endpoint().port));
}

void send(Engine& engine, const LoopbackSocket& client, const std::vector<std::string>& payloads) {
    for (const std::string& payload : payloads)
        REQUIRE(client.send_to(engine.address(), payload));
    engine.pump();
}

std::vector<std::string> received(const LoopbackSocket& server) {
    std::vector<std::string> all;
    while (const auto datagram = server.receive())
        all.push_back(datagram->payload);
    return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a client waits for the name of its server, and all it sent is forwarded in order [K-55][K-58]") {
    const LoopbackSocket server, client;
    Engine engine(config_for_name(server));
    send(engine, client, {"1", "", "3"});
    CHECK(received(server).empty());
    CHECK(engine.sessions->waiting() == 1);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(engine.totals().held.get() == 3);
    CHECK(engine.totals().client_datagrams.get() == 0);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == Texts{"1", "", "3"});
    CHECK(engine.sessions->waiting() == 0);
    CHECK(engine.only().counters.client_datagrams == 3);
    CHECK(engine.totals().refused.get() == 0);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("explain tells the name that a client waits for from the room that it does not have [K-30]") {
    const LoopbackSocket server, first;
    conf::Config config = config_for_name(server);
    config.resolver.hold.sessions = 1;
    Engine engine(config);
    const auto told = [&] {
        policy::Question question;
        question.client = endpoint("127.0.0.99:4000");
        question.local = engine.address();
        return engine.sessions->explain(question, 0, engine.now);
    };
    CHECK(told().outcome == session::Explanation::Outcome::waits);
    CHECK(told().policy.idle_names == Texts{"name " + name + " is not resolved yet"});
    send(engine, first, {"1"});
    CHECK(told().reason == CloseReason::resolve_failure);
    CHECK(told().policy.decision.kind == policy::Decision::Kind::awaits_server);
    engine.news(name, {});
    CHECK(told().reason == CloseReason::resolve_failure);
    CHECK(told().policy.idle_names == Texts{"name " + name + " has no address"});
}

TEST_CASE("a waiting client holds no place and no socket") {
    const LoopbackSocket server, client;
    Engine engine(config_for_name(server));
    const auto free = [&engine] { return engine.sessions->socket_use(engine.now)[0].free; };
    const std::size_t before = free();
    send(engine, client, {"x"});
    CHECK(free() == before);
    for (const session::Record& record : engine.arena.records())
        CHECK(record.state == session::State::free);
}

TEST_CASE("a client waits for a name in the policy; then it is let in or denied [K-55]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for(accept_to(server.endpoint()));
    config.session_acl[0].from = {named("admin.example.com")};
    Engine engine(config);
    send(engine, client, {"a", "b"});
    CHECK(engine.sessions->waiting() == 1);
    SECTION("it is meant") {
        engine.news("admin.example.com", {"127.0.0.1"});
        CHECK(received(server) == Texts{"a", "b"});
    }
    SECTION("another client is meant") {
        engine.news("admin.example.com", {"127.0.0.9"});
        CHECK(engine.refused(CloseReason::acl) == 2);
    }
    SECTION("it does not resolve: it matches no client") {
        engine.unresolved("admin.example.com");
        CHECK(engine.refused(CloseReason::acl) == 2);
    }
    CHECK(engine.sessions->waiting() == 0);
}

TEST_CASE("a name that means nothing is no server: refused at once, not held [K-55]") {
    const LoopbackSocket server, client;
    Engine engine(config_for_name(server));
    SECTION("known to mean nothing") {
        engine.news(name, {});
    }
    SECTION("never resolved") {
        engine.unresolved(name);
    }
    SECTION("only what cannot be a server") {
        engine.news(name, {"0.0.0.0", "224.0.0.1"});
    }
    send(engine, client, {"x"});
    CHECK(engine.refused(CloseReason::resolve_failure) == 1);
    CHECK(engine.sessions->waiting() == 0);
}

TEST_CASE("a rule without any server is no question of names") {
    const LoopbackSocket client;
    conf::Rule rule;
    rule.action = conf::Action::accept;
    conf::Config config = config_for(rule);
    Engine engine(config_for(accept_to(client.endpoint())));
    engine.config.session_acl[0].plug_to.clear();
    engine.restart();
    send(engine, client, {"x"});
    CHECK(engine.refused(CloseReason::no_target) == 1);
}

TEST_CASE("the time to wait is over: all that waited is refused and counted [K-58]") {
    const LoopbackSocket server, client, later;
    conf::Config config = config_for_name(server);
    config.resolver.timeout = 5s;
    Engine engine(config);
    const base::Instant begun = engine.now;
    send(engine, client, {"1", "2", "3"});
    engine.now += 1s;
    send(engine, later, {"1"});
    CHECK(engine.sessions->next_tick() == begun + 5s);
    engine.now = begun;
    engine.pass(4999ms);
    CHECK(engine.sessions->waiting() == 2);
    engine.pass(1ms);
    CHECK(engine.refused(CloseReason::resolve_failure) == 3);
    CHECK(engine.sessions->waiting() == 1);
    CHECK(engine.sessions->rule_counts()[0].refused == 3);
    engine.pass(1s);
    CHECK(engine.refused(CloseReason::resolve_failure) == 4);
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server).empty());
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("more datagrams of the same client do not make it wait longer") {
    const LoopbackSocket server, client;
    Engine engine(config_for_name(server));
    for (int i = 0; i < 5; ++i) {
        send(engine, client, {"x"});
        engine.pass(1s);
    }
    CHECK(engine.refused(CloseReason::resolve_failure) == 5);
}

TEST_CASE("the client's names are asked for on line only when a rule needs them [K-63]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_pattern(server);
    Engine engine(config);
    send(engine, client, {"a", "b"});
    REQUIRE(engine.lookups.open.size() == 1);
    CHECK(engine.lookups.open[0].question.name.empty());
    CHECK(engine.lookups.open[0].question.address == client.endpoint().address());
    SECTION("a name matches") {
        engine.answer(found({"pc.example.com"}));
        CHECK(received(server) == Texts{"a", "b"});
        CHECK(engine.sessions->open_sessions() == 1);
    }
    SECTION("no name matches") {
        engine.answer(found({"pc.example.org"}));
        CHECK(engine.refused(CloseReason::acl) == 2);
    }
    SECTION("there is no name: an answer, too") {
        engine.answer(no_answer(Status::no_data));
        CHECK(engine.refused(CloseReason::acl) == 2);
    }
    SECTION("no answer: refused, not accepted [K-58]") {
        engine.answer(no_answer(Status::server_failure));
        CHECK(engine.refused(CloseReason::resolve_failure) == 2);
    }
    CHECK(engine.sessions->waiting() == 0);
}

TEST_CASE("a rule that decides without names causes no look-up [K-63]") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_pattern(server);
    config.session_acl[0].dscp.match = {46};
    config.session_acl.push_back(accept_to(server.endpoint()));
    Engine engine(config);
    CHECK(round_trip(engine, client, server));
    CHECK(engine.lookups.count == 0);
}

TEST_CASE("many wait for the names of one address: it is asked for once [K-59]") {
    const LoopbackSocket server, first, second, other("127.0.0.3");
    Engine engine(config_for_pattern(server));
    send(engine, first, {"first"});
    send(engine, second, {"second"});
    send(engine, other, {"other"});
    CHECK(engine.lookups.count == 2);
    engine.answer(found({"pc.example.com"}));
    CHECK(received(server) == Texts{"first", "second"});
    CHECK(engine.sessions->waiting() == 1);
    const LoopbackSocket third;
    send(engine, third, {"third"});
    CHECK(received(server) == Texts{"third"});
    CHECK(engine.lookups.count == 2);
}

TEST_CASE("a failed look-up is remembered for its time, and then asked again") {
    const LoopbackSocket server, client, second;
    Engine engine(config_for_pattern(server));
    send(engine, client, {"x"});
    engine.answer(no_answer(Status::server_failure, 10s));
    send(engine, second, {"x"});
    CHECK(engine.refused(CloseReason::resolve_failure) == 2);
    CHECK(engine.lookups.count == 1);
    engine.pass(10001ms);
    send(engine, second, {"y"});
    CHECK(engine.lookups.count == 2);
    engine.answer(found({"a.example.com"}));
    CHECK(received(server) == Texts{"y"});
}

TEST_CASE("names of the configuration first, the client's then, in one time to wait") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_pattern(server);
    conf::Rule deny = rule_from({named("bad.example.com")}, conf::Action::deny);
    config.session_acl.insert(config.session_acl.begin(), deny);
    Engine engine(config);
    const base::Instant begun = engine.now;
    send(engine, client, {"a", "b"});
    CHECK(engine.lookups.count == 0);
    engine.pass(3s);
    engine.news("bad.example.com", {"127.0.0.9"});
    CHECK(engine.lookups.count == 1);
    CHECK(engine.sessions->waiting() == 1);
    CHECK(engine.sessions->next_tick() == begun + engine.config.resolver.timeout);
    SECTION("answered") {
        engine.answer(found({"a.example.com"}));
        CHECK(received(server) == Texts{"a", "b"});
    }
    SECTION("not in time; the late answer is ignored") {
        engine.pass(2s);
        CHECK(engine.refused(CloseReason::resolve_failure) == 2);
        engine.answer(found({"a.example.com"}));
        CHECK(received(server).empty());
        CHECK(round_trip(engine, client, server));  // but it is known now
    }
}

TEST_CASE("the client's names, and then the server's") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_name(server);
    config.session_acl[0].from = {pattern(".*\\.example\\.com")};
    Engine engine(config);
    send(engine, client, {"a"});
    engine.answer(found({"pc.example.com"}));
    CHECK(engine.sessions->waiting() == 1);
    CHECK(received(server).empty());
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == Texts{"a"});
}

TEST_CASE("without a resolver a look-up fails, in a later turn") {
    const LoopbackSocket server, client;
    Engine engine(config_for_pattern(server));
    engine.answers_lookups = false;
    engine.restart();
    send(engine, client, {"x"});
    CHECK(engine.sessions->waiting() == 1);
    REQUIRE(engine.sessions->next_tick());
    CHECK(*engine.sessions->next_tick() <= engine.now);
    engine.pass(1ms);
    CHECK(engine.refused(CloseReason::resolve_failure) == 1);
    CHECK(engine.sessions->waiting() == 0);
}

TEST_CASE("a datagram of a running session never waits") {
    const LoopbackSocket server, client;
    Engine engine(config_for_pattern(server));
    send(engine, client, {"x"});
    engine.answer(found({"pc.example.com"}, 1s));
    CHECK(received(server) == Texts{"x"});
    engine.pass(10s);  // the names are forgotten by now
    CHECK(round_trip(engine, client, server));
    CHECK(engine.lookups.count == 1);
}

TEST_CASE("a session with a datagram limit: each held datagram opens its own, as it would have") {
    const LoopbackSocket server, client;
    conf::Config config = config_for_name(server);
    config.session_acl[0].limits.client_datagrams = 1;
    Engine engine(config);
    send(engine, client, {"1", "2", "3"});
    engine.news(name, {"127.0.0.1"});
    CHECK(received(server) == Texts{"1", "2", "3"});
    CHECK(engine.sessions->open_sessions() == 3);
}

TEST_CASE("the end of the proxy refuses and reports who waits; a new REG begins without them") {
    const LoopbackSocket server, client;
    Engine engine(config_for_name(server));
    send(engine, client, {"1", "2"});
    SECTION("end") {
        engine.sessions->close_all(CloseReason::process_end, engine.now);
        CHECK(engine.refused(CloseReason::process_end) == 2);
        CHECK(engine.sessions->waiting() == 0);
    }
    SECTION("restart") {
        engine.restart();
        CHECK(engine.sessions->waiting() == 0);
        engine.news(name, {"127.0.0.1"});
        CHECK(received(server).empty());
        CHECK(round_trip(engine, client, server));
    }
}
