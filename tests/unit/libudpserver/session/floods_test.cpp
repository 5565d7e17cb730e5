// Floods of first datagrams, from forged sources or from one real one: honest clients get their sessions.

#include <catch2/catch.hpp>
#include <random>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

const base::Endpoint server(*base::parse_address("127.0.0.1"), 9);

base::Endpoint client(std::uint32_t host, std::uint16_t port = 4000) {
    base::Address address = *base::parse_address("10.0.0.0");
    address.bytes[2] = static_cast<std::uint8_t>(host >> 8);
    address.bytes[3] = static_cast<std::uint8_t>(host);
    return {address, port};
}

struct Flooded : Engine {
    explicit Flooded(std::uint32_t max_sessions, conf::UdpServer limits = {})
        : Engine(config_of(max_sessions, limits), 2 * max_sessions) {}

    static conf::Config config_of(std::uint32_t max_sessions, conf::UdpServer limits) {
        conf::Config config = config_for(accept_to(server));
        limits.max_sessions = max_sessions;
        limits.quarantine = limits.quarantine_answered = 0s;
        config.udpserver = limits;
        return config;
    }

    session::Record* record_of(const base::Endpoint& client) {
        for (session::Record& record : arena.records())
            if (record.state == session::State::open && record.client == client) return &record;
        return nullptr;
    }
    /// True if the client has a session afterwards.
    bool ask(const base::Endpoint& from) {
        std::array<std::byte, 1> payload{};
        net::Datagram datagram{.payload = payload, .from = from, .local = address(), .tos = 0};
        sessions->on_client(0, datagram, now);
        sessions->settle(now);
        return record_of(from) != nullptr;
    }
    bool reply(const base::Endpoint& to) {
        const session::Record* record = record_of(to);
        if (record == nullptr) return false;
        std::array<std::byte, 1> payload{};
        net::Datagram datagram{.payload = payload, .from = server, .local = {}, .tos = 0};
        sessions->on_server(record->socket, datagram, now);
        sessions->settle(now);
        return true;
    }
    bool confirm(const base::Endpoint& client) { return ask(client) && reply(client) && ask(client); }
};

}  // namespace

TEST_CASE("answered sessions of forged sources give way before any client is refused [B-1]") {
    Flooded engine(100);
    for (std::uint32_t i = 0; i < 40; ++i)
        REQUIRE(engine.confirm(client(i)));
    for (std::uint32_t i = 1000; i < 6000; ++i) {
        REQUIRE(engine.ask(client(i)));
        REQUIRE(engine.reply(client(i)));
    }
    CHECK(engine.totals().unconfirmed.get() == 60);
    CHECK(engine.totals().refused.get() == 0);
    for (std::uint32_t i = 0; i < 40; ++i)
        CHECK(engine.record_of(client(i)) != nullptr);
    // The last forged ones are still there: the oldest went.
    CHECK(engine.record_of(client(5999)) != nullptr);
    CHECK(engine.record_of(client(5939)) == nullptr);
    CHECK(engine.confirm(client(50)));
}

TEST_CASE("in a full table the class goes that has used more of its share, and confirmed ones never [B-1]") {
    Flooded engine(20);
    for (std::uint32_t i = 0; i < 10; ++i)
        REQUIRE(engine.confirm(client(i)));
    for (std::uint32_t i = 100; i < 109; ++i) {
        REQUIRE(engine.ask(client(i)));
        REQUIRE(engine.reply(client(i)));
    }
    REQUIRE(engine.ask(client(200)));
    CHECK(engine.ask(client(201)));
    CHECK(engine.record_of(client(200)) != nullptr);
    CHECK(engine.record_of(client(100)) == nullptr);
    for (std::uint32_t i = 10; i < 20; ++i)
        CHECK(engine.confirm(client(i)));
    CHECK_FALSE(engine.ask(client(300)));
    CHECK(engine.refused(CloseReason::sessions_full) == 1);
}

TEST_CASE("an unconfirmed session expires early, a confirmed one by idle, also in the next REG [B-1]") {
    Flooded engine(100);
    REQUIRE(engine.ask(client(1)));
    REQUIRE(engine.reply(client(1)));
    REQUIRE(engine.confirm(client(2)));
    if (GENERATE(false, true)) {
        engine.restart();
        CHECK(engine.totals().unconfirmed.get() == 1);
    }
    engine.pass(29s);
    CHECK(engine.sessions->open_sessions() == 2);
    engine.pass(2s);
    CHECK(engine.record_of(client(1)) == nullptr);
    CHECK(engine.closed(CloseReason::unconfirmed) == 1);
    CHECK(engine.totals().unconfirmed.get() == 0);
    engine.pass(140s);
    CHECK(engine.record_of(client(2)) != nullptr);
}

TEST_CASE("what the server sends keeps an unconfirmed session open [B-1]") {
    Flooded engine(100);
    REQUIRE(engine.ask(client(1)));
    for (int i = 0; i < 10; ++i) {
        REQUIRE(engine.reply(client(1)));
        engine.pass(20s);
    }
    CHECK(engine.record_of(client(1)) != nullptr);
}

TEST_CASE("one address has its share of unanswered sessions, and evicts its own [B-2]") {
    Flooded engine(1000);  // 500 unanswered, 125 of one address
    for (std::uint16_t port = 1; port <= 125; ++port)
        REQUIRE(engine.ask(client(1, port)));
    CHECK_FALSE(engine.ask(client(1, 200)));
    CHECK(engine.refused(CloseReason::source_limited) == 1);
    REQUIRE(engine.ask(client(2)));
    engine.pass(1s);
    CHECK(engine.ask(client(1, 200)));
    CHECK(engine.record_of(client(1, 1)) == nullptr);
    CHECK(engine.record_of(client(1, 2)) != nullptr);
    CHECK(engine.totals().unanswered.get() == 126);
}

TEST_CASE("no unconfirmed session is closed while there is room [B-1]") {
    Flooded engine(100);
    for (std::uint32_t i = 0; i < 100; ++i) {
        REQUIRE(engine.ask(client(i)));
        REQUIRE(engine.reply(client(i)));
    }
    CHECK(engine.totals().unconfirmed.get() == 100);
    CHECK(engine.confirm(client(0)));
}

TEST_CASE("of unconfirmed sessions those of the heaviest address go first [B-2]") {
    Flooded engine(100);  // an address with 16 or more is heavy
    for (std::uint32_t i = 10; i < 40; ++i) {
        REQUIRE(engine.ask(client(i)));
        REQUIRE(engine.reply(client(i)));
    }
    for (std::uint16_t port = 1; port <= 200; ++port) {
        REQUIRE(engine.ask(client(1, port)));
        REQUIRE(engine.reply(client(1, port)));
    }
    CHECK(engine.totals().unconfirmed.get() == 100);
    for (std::uint32_t i = 10; i < 40; ++i)
        CHECK(engine.record_of(client(i)) != nullptr);
    CHECK(engine.record_of(client(1, 200)) != nullptr);
}

TEST_CASE("a small share is 16 sessions, and one of 100 percent no limit [B-2]") {
    conf::UdpServer limits;
    limits.source_share = GENERATE(25u, 100u);
    Flooded engine(40, limits);
    std::size_t open = 0;
    for (std::uint16_t port = 1; port <= 20; ++port)
        open += engine.ask(client(1, port)) ? 1 : 0;
    CHECK(open == (limits.source_share == 100 ? 20 : 16));
}

TEST_CASE(
    "with a share of 100 percent the oldest session makes room, not one of the heaviest address [B-2]") {
    conf::UdpServer limits;
    limits.source_share = 100;
    Flooded engine(40, limits);
    for (std::uint32_t i = 0; i < 40; ++i) {
        const base::Endpoint one = i == 0 ? client(9) : client(1, static_cast<std::uint16_t>(i));
        REQUIRE(engine.ask(one));
        REQUIRE(engine.reply(one));
    }
    REQUIRE(engine.ask(client(1, 100)));
    CHECK(engine.record_of(client(9)) == nullptr);
    CHECK(engine.record_of(client(1, 1)) != nullptr);
}

TEST_CASE("explain says that the share of an address is used up [B-2]") {
    Flooded engine(64);
    for (std::uint16_t port = 1; port <= 16; ++port)
        REQUIRE(engine.ask(client(1, port)));
    policy::Question question;
    question.client = client(1, 100);
    question.local = engine.address();
    CHECK(engine.sessions->explain(question, 0, engine.now).reason == CloseReason::source_limited);
    question.client = client(2);
    CHECK(engine.sessions->explain(question, 0, engine.now).reason == CloseReason::none);
}

TEST_CASE("under a flood of random sources, returning clients keep the rate of new sessions [B-3]") {
    conf::UdpServer settings;
    settings.new_sessions_per_second = 1000;
    session::Admission admission(settings, 10'000, 1);
    std::mt19937 random(7);
    base::Instant now{1h};
    const bool returning = GENERATE(true, false);
    // 200 honest clients a second against 8,000 forged sources a second, for ten seconds.
    for (std::uint32_t i = 0; i < 200 && returning; ++i)
        admission.confirmed(client(i).address(), now);
    unsigned admitted = 0, forged = 0;
    for (int tick = 0; tick < 10'000; ++tick, now += 1ms) {
        for (int i = 0; i < 8; ++i) {
            base::Address source = *base::parse_address("198.18.0.0");
            source.bytes[1] = static_cast<std::uint8_t>(random());
            source.bytes[2] = static_cast<std::uint8_t>(random());
            source.bytes[3] = static_cast<std::uint8_t>(random());
            forged += admission.admit(source, now) == CloseReason::none;
        }
        if (tick % 5 == 0)
            admitted += admission.admit(client(static_cast<std::uint32_t>(tick / 5 % 200)).address(), now) ==
                        CloseReason::none;
    }
    if (returning) {
        CHECK(admitted == 2000);  // of 2,000
        CHECK(forged > 7500);     // what they do not need is not wasted
    } else {
        CHECK(admitted < 500);
    }
}

TEST_CASE("a source counts as confirmed for an hour after its last confirmed session [B-3]") {
    conf::UdpServer settings;
    settings.new_sessions_per_second = 100;
    Flooded engine(1000, settings);
    REQUIRE(engine.confirm(client(1)));
    if (GENERATE(false, true)) engine.restart();
    const auto flood = [&engine] {
        for (std::uint32_t i = 1000; i < 1200; ++i)
            engine.ask(client(i));
    };
    engine.now += 10s;
    flood();
    CHECK(engine.ask(client(1, 4001)));
    CHECK_FALSE(engine.ask(client(2)));
    engine.pass(10min);  // its session closes
    engine.pass(50min);
    flood();
    CHECK(engine.ask(client(1, 4002)));
    engine.pass(10min);
    engine.pass(10min);
    flood();
    CHECK_FALSE(engine.ask(client(1, 4003)));
}
