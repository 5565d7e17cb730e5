#include <catch2/catch.hpp>

#include "libudpserver/policy/session_acl.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;

namespace {

struct Policy {
    explicit Policy(std::vector<conf::Rule> rules, std::vector<conf::NamedList> lists = {})
        : config(config_of(std::move(rules), std::move(lists))), names(config), acl(config, names) {}

    [[nodiscard]] Match decide() const { return acl.first_match(question).match; }
    [[nodiscard]] std::string why() const { return acl.explain(question).back().why; }

    conf::Config config;
    Names names;
    SessionAcl acl;
    Question question{endpoint("192.0.2.1:4000"), endpoint("10.0.1.1:53"), 0, {0, 510}, nullptr};
};

conf::Destination to(conf::HostItem host, std::uint16_t port = 53) {
    return {std::move(host), {port, port}};
}

}  // namespace

TEST_CASE("a rule that depends on an unknown name waits, and no later rule decides [K-55]") {
    Policy policy({rule_from({named("bad.example")}, conf::Action::deny), rule_from({})});
    CHECK(policy.decide() == Match::needs_names);
    CHECK(policy.acl.first_match(policy.question).rule == 0);
    policy.names.set_unresolved(0);
    CHECK(policy.decide() == Match::yes);
    CHECK(policy.acl.first_match(policy.question).rule == 1);
    know(policy.names, "bad.example", {"192.0.2.1"});
    CHECK(policy.acl.first_match(policy.question).rule == 0);
}

TEST_CASE("a decision before the rule with the name waits for no name") {
    CHECK(Policy({rule_from({}), rule_from({named("a.example")})}).decide() == Match::yes);
    CHECK(Policy({rule_from({one("192.0.2.9")})}).decide() == Match::no);
    Policy policy({rule_from({named("a.example")})});
    know(policy.names, "a.example", {"192.0.2.9"});
    CHECK(policy.decide() == Match::no);
}

TEST_CASE("a rule whose other conditions fail needs no name of either kind [K-63]") {
    for (const auto& item : {named("a.example"), pattern("a.*"), negated(pattern("a.*"))}) {
        conf::Rule by_port = rule_from({item}), by_time = by_port, by_dscp = by_port;
        by_port.to = {to(conf::HostItem{}, 54)};
        by_time.time = {{0x1f, 0, 60}};
        by_dscp.dscp.match = {46};
        CHECK(Policy({by_port, by_time, by_dscp}).decide() == Match::no);
        CHECK(undecided(
            HostList({item}, {}, Names(config_of({rule_from({item})}))).match({address("192.0.2.1")})));
    }
}

TEST_CASE("the client's names are needed last, and only if all other conditions hold [K-63]") {
    conf::Rule both = rule_from({pattern("a\\.example")});
    both.to = {to(named("here.example"))};
    Policy policy({both});
    CHECK(policy.decide() == Match::needs_names);
    know(policy.names, "here.example", {"10.0.1.1"});
    CHECK(policy.decide() == Match::needs_client_names);
    const std::vector<std::string> nothing, right{"a.example"};
    policy.question.client_names = &nothing;
    CHECK(policy.decide() == Match::no);
    policy.question.client_names = &right;
    CHECK(policy.decide() == Match::yes);
    know(policy.names, "here.example", {});
    CHECK(policy.decide() == Match::no);
}

TEST_CASE("a destination that an unknown name may exclude is undecided [K-34]") {
    conf::Rule rule = rule_from({});
    rule.to = {to(conf::HostItem{}), to(negated(named("admin.example")))};
    Policy policy({rule});
    CHECK(policy.decide() == Match::needs_names);
    CHECK(policy.why() == "to: depends on admin.example, which is not resolved yet");
    policy.question.local.port = 54;
    CHECK(policy.decide() == Match::no);
    policy.question.local.port = 53;
    know(policy.names, "admin.example", {"10.0.1.1"});
    CHECK(policy.decide() == Match::no);
    know(policy.names, "admin.example", {"10.0.1.2"});
    CHECK(policy.decide() == Match::yes);
}

TEST_CASE("a regular expression in `to` is rejected, also in a list") {
    conf::Rule direct = rule_from({}), nested = direct;
    direct.to = {to(negated(pattern("a")))};
    nested.to = {to(list(0))};
    CHECK_THROWS_AS(Policy({direct}), std::invalid_argument);
    CHECK_THROWS_AS(Policy({nested}, {{"x", {pattern("a")}}}), std::invalid_argument);
}

TEST_CASE("explain says which name is missing, and stops there [K-30]") {
    Policy policy({rule_from({one("192.0.2.9")}),
                   rule_from({named("a.example"), named("b.example"), pattern("c")}), rule_from({})});
    auto steps = policy.acl.explain(policy.question);
    REQUIRE(steps.size() == 2);
    CHECK_FALSE(steps[0].undecided);
    CHECK(steps[1].undecided);
    CHECK_FALSE(steps[1].matched);
    CHECK(steps[1].why == "from: depends on a.example, which is not resolved yet");
    know(policy.names, "a.example", {"192.0.2.9"});
    CHECK(policy.why() == "from: depends on b.example, which is not resolved yet");
    know(policy.names, "b.example", {});
    CHECK(policy.why() == "from: the client's names are not known");
    CHECK(policy.acl.explain(policy.question).size() == 2);
    const std::vector<std::string> nothing;
    policy.question.client_names = &nothing;
    steps = policy.acl.explain(policy.question);
    REQUIRE(steps.size() == 3);
    CHECK(steps[1].why == "from: 192.0.2.1 is not in the list; b.example has no address");
    CHECK(steps[2].matched);
}

TEST_CASE("explain says that a name has no address where that made the rule fail [K-30][K-55]") {
    conf::Rule there = rule_from({});
    there.to = {to(named("b.example")), to(named("c.example"))};
    Policy policy({rule_from({named("a.example"), negated(named("b.example"))}), there,
                   rule_from({conf::HostItem{}, negated(named("c.example"))})});
    know(policy.names, "a.example", {});
    know(policy.names, "b.example", {});
    know(policy.names, "c.example", {"192.0.2.1"});
    const auto steps = policy.acl.explain(policy.question);
    REQUIRE(steps.size() == 3);
    CHECK(steps[0].why == "from: 192.0.2.1 is not in the list; a.example has no address");
    CHECK(steps[1].why == "to: 10.0.1.1:53 is not in the list; b.example has no address");
    CHECK(steps[2].why == "from: 192.0.2.1 is excluded by an item with '!'");
}
