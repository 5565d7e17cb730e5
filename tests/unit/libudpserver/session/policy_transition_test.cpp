#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/session/engine_fixture.hpp"

using namespace std::chrono_literals;
using session::CloseReason;

namespace {

/// An engine whose configuration is replaced, as a reload does.
struct Reloaded : Engine {
    session::PolicyHistory past;

    explicit Reloaded(const conf::Config& configuration) : Engine(configuration) {
        history = &past;
        restart();
    }

    session::Adoption reload(const conf::Config& next) {
        past.past.push_back(
            {past.epoch++, std::make_shared<const conf::Config>(config), {listeners.local(0)}});
        sessions.reset();
        config = next;
        pool.add_groups(net::pool_groups(config));
        return restart();
    }
    session::Adoption reload(const conf::Rule& rule) { return reload(config_for(rule)); }
};

conf::HostItem host(const std::string& address) {
    conf::HostItem item;
    item.kind = conf::HostItem::Kind::range;
    item.first = item.last = *base::parse_address(address);
    return item;
}

conf::HostItem host_name(const std::string& name) {
    conf::HostItem item;
    item.kind = conf::HostItem::Kind::name;
    item.text = name;
    return item;
}

conf::HostItem pattern(const std::string& text) {
    conf::HostItem item;
    item.kind = conf::HostItem::Kind::pattern;
    item.text = text;
    return item;
}

}  // namespace

TEST_CASE("a session continues under the rule that accepts it now, with its limits and its socket") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    const session::SocketIndex socket = engine.only().socket;
    conf::Config next = config_for(accept_to(server.endpoint()));
    next.session_acl.insert(next.session_acl.begin(), conf::Rule{});
    next.session_acl[0].name = "nobody";
    next.session_acl[0].from = {host("192.0.2.1")};
    next.session_acl[1].limits.idle = 10s;
    const session::Adoption adoption = engine.reload(next);
    CHECK(adoption.adopted == 1);
    CHECK(adoption.ended + adoption.aborted == 0);
    CHECK(engine.only().rule == 1);
    CHECK(engine.only().policy_epoch == 1);
    CHECK(engine.only().socket == socket);
    CHECK(round_trip(engine, client, server));
    engine.pass(11s);
    CHECK(engine.closed(CloseReason::idle) == 1);
}

TEST_CASE("a session that the new policy refuses closes with reason policy, and its socket is quarantined") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    conf::Rule rule = accept_to(server.endpoint());
    SECTION("denied") {
        rule.action = conf::Action::deny;
    }
    SECTION("no rule matches") {
        rule.from = {host("192.0.2.1")};
    }
    SECTION("not at this time") {
        const base::LocalTime now = base::LocalTime::now();
        rule.time = {conf::TimeWindow{
            .days = 0x7f, .from = (now.minute + 120) % 1440, .until = (now.minute + 121) % 1440}};
    }
    SECTION("another DSCP than that of its first datagram") {
        rule.dscp.match = {46};
    }
    SECTION("another type") {
        rule.type = conf::SessionType::any_port;
    }
    const session::Adoption adoption = engine.reload(rule);
    CHECK(adoption.ended == 1);
    CHECK(adoption.adopted + adoption.aborted == 0);
    CHECK(engine.closed(CloseReason::policy) == 1);
    CHECK(engine.sessions->open_sessions() == 0);
    CHECK(engine.sessions->sockets().leases().quarantined(0) > 0);
}

TEST_CASE("the DSCP of the first datagram is what counts later") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.only().dscp = 46;
    conf::Rule rule = accept_to(server.endpoint());
    rule.dscp.match = {46};
    CHECK(engine.reload(rule).adopted == 1);
}

TEST_CASE("a listener that is gone takes its sessions with it") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.past.past.push_back({engine.past.epoch++,
                                std::make_shared<const conf::Config>(engine.config),
                                {*base::parse_endpoint("127.0.0.1:1")}});
    CHECK(engine.restart().ended == 1);
    CHECK(engine.closed(CloseReason::policy) == 1);
}

TEST_CASE("a death while records are being judged: each is of one configuration only") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.reload(accept_to(server.endpoint()));
    CHECK(engine.restart().adopted == 1);
    SECTION("in the middle of one") {
        engine.only().policy_epoch = ~std::uint32_t{0};
    }
    SECTION("of a configuration that is no longer kept") {
        engine.only().policy_epoch = 17;
    }
    SECTION("its rule was none of that configuration") {
        engine.only().policy_epoch = 0;
        engine.only().rule = 9;
    }
    SECTION("nor its listener") {
        engine.only().policy_epoch = 0;
        engine.only().listener = 9;
    }
    CHECK(engine.restart().aborted == 1);
    CHECK(engine.closed(CloseReason::adoption) == 1);
}

TEST_CASE("two reloads that no REG saw in between") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.past.past.push_back({engine.past.epoch++,
                                std::make_shared<const conf::Config>(engine.config),
                                {engine.listeners.local(0)}});
    CHECK(engine.reload(accept_to(server.endpoint())).adopted == 1);
    CHECK(engine.only().policy_epoch == 2);
    CHECK(round_trip(engine, client, server));
}

TEST_CASE("a session whose decision needs a name keeps its rule until the name resolves [K-54]") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    conf::Rule rule = accept_to(server.endpoint());
    rule.from = {host_name("me.test")};
    CHECK(engine.reload(rule).adopted == 1);
    CHECK(round_trip(engine, client, server));
    CHECK(engine.restart().adopted == 1);  // a death of REG changes nothing about it
    SECTION("it is the client") {
        engine.news("me.test", {"127.0.0.1"});
        CHECK(engine.sessions->open_sessions() == 1);
        CHECK(engine.only().policy_pending == 0);
        CHECK(round_trip(engine, client, server));
        engine.news("me.test", {"192.0.2.7"});  // the policy is asked once for each session
        CHECK(engine.sessions->open_sessions() == 1);
    }
    SECTION("it is another client") {
        engine.news("me.test", {"192.0.2.7"});
        CHECK(engine.closed(CloseReason::policy) == 1);
        CHECK(engine.sessions->open_sessions() == 0);
    }
}

TEST_CASE("without a rule of the same name there is no rule to keep") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    conf::Rule rule = accept_to(server.endpoint());
    rule.name = "another";
    rule.from = {host_name("me.test")};
    CHECK(engine.reload(rule).ended == 1);
}

TEST_CASE("the client's names are looked up, repeatedly until an answer arrives [K-63]") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    conf::Rule rule = accept_to(server.endpoint());
    rule.from = {pattern(".*\\.good\\.test")};
    CHECK(engine.reload(rule).adopted == 1);
    engine.pass(2s);
    REQUIRE(engine.lookups.open.size() == 1);
    SECTION("a good name") {
        engine.answer(found({"a.good.test"}));
        CHECK(engine.sessions->open_sessions() == 1);
        CHECK(engine.only().policy_pending == 0);
    }
    SECTION("another name") {
        engine.answer(found({"a.bad.test"}));
        CHECK(engine.closed(CloseReason::policy) == 1);
    }
    SECTION("no answer") {
        engine.answer(no_answer(base::LookupAnswer::server_failure, 1s));
        CHECK(engine.sessions->open_sessions() == 1);
        for (int i = 0; i < 60 && engine.lookups.open.empty(); ++i)
            engine.pass(1s);
        REQUIRE(engine.lookups.open.size() == 1);
        engine.answer(found({"a.bad.test"}));
        CHECK(engine.closed(CloseReason::policy) == 1);
    }
}

TEST_CASE("a server that the rule does not have any more: on-name-change decides") {
    const LoopbackSocket server, other, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    engine.only().server_chosen = 0;
    conf::Rule rule = accept_to({*base::parse_address("127.0.0.77"), 9});
    SECTION("keep") {
        rule.on_name_change = conf::OnNameChange::keep;
        CHECK(engine.reload(rule).adopted == 1);
        CHECK(round_trip(engine, client, server));
    }
    SECTION("move") {
        rule.on_name_change = conf::OnNameChange::move;
        CHECK(engine.reload(rule).adopted == 1);
        CHECK(engine.only().server == base::Endpoint(*base::parse_address("127.0.0.77"), 9));
    }
    SECTION("close") {
        rule.on_name_change = conf::OnNameChange::close;
        engine.reload(rule);
        CHECK(engine.closed(CloseReason::policy) == 1);
    }
    SECTION("the proxy has chosen it") {
        engine.only().server_chosen = 1;
        rule.on_name_change = conf::OnNameChange::close;
        CHECK(engine.reload(rule).adopted == 1);
        CHECK(engine.sessions->open_sessions() == 1);
    }
}

TEST_CASE("a rule with another source port keeps the sockets of running sessions") {
    const LoopbackSocket server, client;
    Reloaded engine(config_for(accept_to(server.endpoint())));
    REQUIRE(round_trip(engine, client, server));
    conf::Rule rule = accept_to(server.endpoint());
    rule.source_port = conf::PortRange{29000, 29010};
    CHECK(engine.reload(rule).adopted == 1);
    CHECK(round_trip(engine, client, server));
    CHECK(engine.restart().adopted == 1);
}

TEST_CASE("a session without a place is reported as ended by the policy") {
    Engine engine(config_for(accept_to(*base::parse_endpoint("127.0.0.1:9"))));
    session::Record record;
    record.client = *base::parse_endpoint("127.0.0.1:4000");
    engine.sessions->end_leftover(record, 4711, engine.now);
    CHECK(engine.closed(CloseReason::policy) == 1);
}
