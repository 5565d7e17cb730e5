#include "libudpserver/policy/session_acl.hpp"

#include <catch2/catch.hpp>

#include "libudpserver/policy/time_window.hpp"

using namespace policy;

namespace {

conf::HostItem range(const char* first, const char* last, bool negated = false) {
    conf::HostItem item;
    item.kind = conf::HostItem::Kind::range;
    item.first = *base::parse_address(first);
    item.last = *base::parse_address(last);
    item.negated = negated;
    return item;
}

conf::Rule rule(const char* name, conf::Action action = conf::Action::accept) {
    conf::Rule rule;
    rule.name = name;
    rule.action = action;
    return rule;
}

Question question(const char* client = "10.1.2.3:4000", const char* local = "10.0.1.1:53") {
    return {*base::parse_endpoint(client), *base::parse_endpoint(local), 0, {0, 8 * 60 + 30}, nullptr};
}

const Names no_names{conf::Config{}};

SessionAcl acl_of(std::vector<conf::Rule> rules) {
    conf::Config config;
    config.session_acl = std::move(rules);
    return SessionAcl(config, no_names);
}

std::optional<std::size_t> first_match(const SessionAcl& acl, const Question& asked) {
    const SessionAcl::Result decision = acl.first_match(asked);
    if (decision.match == Match::yes) return decision.rule;
    CHECK(decision.match == Match::no);  // without names there is nothing to wait for
    return std::nullopt;
}

constexpr int hour = 60;

}  // namespace

TEST_CASE("no rule matches: denied [K-33][O-22]") {
    CHECK_FALSE(first_match(acl_of({}), question()));
    conf::Rule other = rule("other");
    other.from = {range("192.0.2.0", "192.0.2.255")};
    CHECK_FALSE(first_match(acl_of({other}), question()));
}

TEST_CASE("the first rule whose conditions all hold decides [K-33]") {
    conf::Rule lan = rule("lan", conf::Action::deny);
    lan.from = {range("10.0.0.0", "10.255.255.255")};
    const SessionAcl acl = acl_of({lan, rule("all"), rule("never reached")});
    CHECK(acl.size() == 3);
    CHECK(first_match(acl, question()) == 0u);
    CHECK(first_match(acl, question("192.0.2.1:1")) == 1u);
    CHECK(acl.rule(0).name == "lan");
}

TEST_CASE("`to` looks at the address and the port the client sent to [K-33]") {
    conf::Rule dns = rule("dns");
    dns.to = {{range("10.0.1.1", "10.0.1.1"), {53, 53}}, {conf::HostItem{}, {5060, 5070}}};
    const SessionAcl acl = acl_of({dns});
    CHECK(first_match(acl, question("10.1.2.3:4000", "10.0.1.1:53")));
    CHECK_FALSE(first_match(acl, question("10.1.2.3:4000", "10.0.1.1:54")));
    CHECK_FALSE(first_match(acl, question("10.1.2.3:4000", "10.0.1.2:53")));
    CHECK(first_match(acl, question("10.1.2.3:4000", "10.0.1.2:5070")));
}

TEST_CASE("a negated destination excludes [K-34]") {
    conf::Rule rest = rule("rest");
    rest.to = {{range("10.0.1.1", "10.0.1.1", true), {53, 53}}};
    const SessionAcl alone = acl_of({rest});
    CHECK_FALSE(first_match(alone, question("10.1.2.3:4000", "10.0.1.1:53")));
    CHECK(first_match(alone, question("10.1.2.3:4000", "10.0.1.1:54")));
    rest.to.push_back({range("10.0.1.0", "10.0.1.255"), {0, 65535}});
    const SessionAcl both = acl_of({rest});
    CHECK_FALSE(first_match(both, question("10.1.2.3:4000", "10.0.1.1:53")));
    CHECK(first_match(both, question("10.1.2.3:4000", "10.0.1.2:53")));
    CHECK_FALSE(first_match(both, question("10.1.2.3:4000", "10.0.2.2:53")));
}

TEST_CASE("dscp matches the listed values only [K-49]") {
    conf::Rule voice = rule("voice");
    voice.dscp.match = {46, 63};
    const SessionAcl acl = acl_of({voice});
    Question asked = question();
    for (const int value : {0, 45, 46, 63}) {
        asked.dscp = static_cast<std::uint8_t>(value);
        CHECK(first_match(acl, asked).has_value() == (value >= 46));
    }
}

TEST_CASE("uses_time() is true if a rule has a time") {
    CHECK_FALSE(acl_of({rule("a")}).uses_time());
    conf::Rule timed = rule("b");
    timed.time = {{}};
    CHECK(acl_of({rule("a"), timed}).uses_time());
}

TEST_CASE("a time window has its days, its first minute and not its last [K-33]") {
    const conf::TimeWindow office{0x1f, 7 * hour, 19 * hour};
    CHECK_FALSE(contains(office, {0, 7 * hour - 1}));
    CHECK(contains(office, {0, 7 * hour}));
    CHECK(contains(office, {4, 19 * hour - 1}));
    CHECK_FALSE(contains(office, {4, 19 * hour}));
    CHECK_FALSE(contains(office, {5, 12 * hour}));
    CHECK(contains(conf::TimeWindow{}, {6, 24 * hour - 1}));
}

TEST_CASE("a window over midnight belongs to the day it begins on [K-33]") {
    const conf::TimeWindow friday_night{1 << 4, 22 * hour, 6 * hour};
    CHECK(contains(friday_night, {4, 22 * hour}));
    CHECK(contains(friday_night, {5, 6 * hour - 1}));
    CHECK_FALSE(contains(friday_night, {5, 6 * hour}));
    CHECK_FALSE(contains(friday_night, {4, 5 * hour}));
    CHECK_FALSE(contains(friday_night, {5, 23 * hour}));
    const conf::TimeWindow sunday_night{1 << 6, 22 * hour, 6 * hour};
    CHECK(contains(sunday_night, {0, 5 * hour}));
}

TEST_CASE("explain says that an item with ! excludes a client that the list would have [K-30][K-34]") {
    conf::Rule rest = rule("rest"), both = rule("both"), other = rule("other");
    conf::HostItem guests = range("10.1.0.0", "10.1.255.255");
    guests.negated = true;
    rest.from = {guests};
    both.from = {range("10.0.0.0", "10.255.255.255"), guests};
    other.from = {range("192.0.2.0", "192.0.2.255"), guests};
    const auto steps = acl_of({rest, both, other}).explain(question());
    REQUIRE(steps.size() == 3);
    CHECK(steps[0].why == "from: 10.1.2.3 is excluded by an item with '!'");
    CHECK(steps[1].why == "from: 10.1.2.3 is excluded by an item with '!'");
    CHECK(steps[2].why == "from: 10.1.2.3 is not in the list");
}

TEST_CASE("explain names the first condition that failed, and stops where the policy decides [K-30]") {
    conf::Rule from = rule("from"), to = rule("to"), time = rule("time"), dscp = rule("dscp");
    from.from = {range("192.0.2.0", "192.0.2.255")};
    to.to = {{conf::HostItem{}, {5060, 5060}}};
    time.time = {{1 << 6, 0, 24 * hour}};
    dscp.dscp.match = {46};
    const SessionAcl acl = acl_of({from, to, time, dscp, rule("all"), rule("not asked")});
    const auto steps = acl.explain(question());
    REQUIRE(steps.size() == 5);
    CHECK(steps[0].why == "from: 10.1.2.3 is not in the list");
    CHECK(steps[1].why == "to: 10.0.1.1:53 is not in the list");
    CHECK(steps[2].why == "time: Mon 08:30 is in no window");
    CHECK(steps[3].why == "dscp: 0 is not in the list");
    CHECK(steps[4].matched);
    CHECK(first_match(acl, question()) == steps[4].rule);
    for (std::size_t i = 0; i < 4; ++i)
        CHECK_FALSE(steps[i].matched);
}
