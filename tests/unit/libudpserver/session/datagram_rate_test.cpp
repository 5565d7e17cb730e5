// How many datagrams a client may send: in a session, and from its address over all sessions.

#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

const base::Endpoint server(*base::parse_address("127.0.0.1"), 9);

struct Rated : Engine {
    explicit Rated(conf::DatagramRate of_session, conf::DatagramRate of_address = {})
        : Engine(config_of(of_session, of_address)) {}

    static conf::Config config_of(conf::DatagramRate of_session, conf::DatagramRate of_address) {
        conf::Rule rule = accept_to(server);
        rule.limits.rate = of_session;
        conf::Config config = config_for(rule);
        config.udpserver.per_address.rate = of_address;
        return config;
    }

    static base::Endpoint client(std::uint16_t port) { return {*base::parse_address("10.0.0.1"), port}; }

    void send(const base::Endpoint& from, int datagrams) {
        std::array<std::byte, 1> payload{};
        for (int i = 0; i < datagrams; ++i) {
            net::Datagram datagram{.payload = payload, .from = from, .local = address(), .tos = 0};
            sessions->on_client(0, datagram, now);
            sessions->settle(now);
        }
    }
    session::Record* record_of(const base::Endpoint& client) {
        for (session::Record& record : arena.records())
            if (record.state == session::State::open && record.client == client) return &record;
        return nullptr;
    }
};

}  // namespace

TEST_CASE("a session forwards its burst, then its rate; the rest is counted [B-4]") {
    Rated engine({.rate = 100, .burst = 10});
    engine.send(engine.client(1), 50);
    CHECK(engine.only().counters.client_datagrams == 10);
    CHECK(engine.only().over_rate == 40);
    CHECK(engine.totals().over_rate.get() == 40);
    CHECK(engine.sessions->rule_counts()[0].over_rate == 40);
    engine.now += 50ms;
    engine.send(engine.client(1), 50);
    CHECK(engine.only().counters.client_datagrams == 15);
    engine.send(engine.client(2), 50);
    REQUIRE(engine.record_of(engine.client(2)) != nullptr);
    CHECK(engine.record_of(engine.client(2))->counters.client_datagrams == 10);
    CHECK(engine.totals().refused.get() == 0);
}

TEST_CASE("datagrams over the rate do not keep a session open [B-4]") {
    Rated engine({.rate = 1, .burst = 1});
    engine.send(engine.client(1), 1);
    engine.now += 500ms;
    engine.send(engine.client(1), 1);
    CHECK(engine.only().over_rate == 1);
    CHECK(engine.only().last_client == engine.now - 500ms);
}

TEST_CASE("what was dropped over the rate survives REG [B-4]") {
    Rated engine({.rate = 1, .burst = 2});
    engine.send(engine.client(1), 5);
    engine.restart();
    CHECK(engine.only().over_rate == 3);
}

TEST_CASE("an address over its rate loses datagrams of all its sessions, before anything else [B-4]") {
    Rated engine({}, {.rate = 100, .burst = 10});
    for (std::uint16_t port = 1; port <= 5; ++port)
        engine.send(engine.client(port), 3);
    CHECK(engine.totals().client_datagrams.get() == 10);
    CHECK(engine.refused(CloseReason::source_rate) == 5);
    CHECK(engine.record_of(engine.client(5)) == nullptr);
    const policy::Question question{.client = engine.client(1), .local = engine.address()};
    const session::Explanation explanation = engine.sessions->explain(question, 0, engine.now);
    CHECK(explanation.outcome == session::Explanation::Outcome::refused);
    CHECK(explanation.reason == CloseReason::source_rate);
    engine.now += 10ms;
    CHECK(engine.sessions->explain(question, 0, engine.now).outcome ==
          session::Explanation::Outcome::running);
}
