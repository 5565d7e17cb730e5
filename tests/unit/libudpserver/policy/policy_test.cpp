#include "libudpserver/policy/policy.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;
using Kind = Decision::Kind;

namespace {

conf::Server server_named(const char* name) {
    return {{base::Address{}, 53}, 1, name};
}

conf::Rule rule_to(std::vector<conf::Server> servers) {
    conf::Rule rule = rule_from({});
    rule.plug_to = std::move(servers);
    return rule;
}

Question question() {
    return {endpoint("192.0.2.1:4000"), endpoint("10.0.1.1:53"), 0, {0, 510}, nullptr};
}

std::size_t index_of(const Policy& policy, const char* name) {
    return policy.names().index(name).value();
}

/// What decide() and explain() say, with the reason.
std::pair<Kind, std::string> told(const Policy& policy) {
    const Explanation explanation = policy.explain(question());
    const Decision decision = policy.decide(question());
    CHECK(explanation.decision.kind == decision.kind);
    CHECK(explanation.decision.rule == decision.rule);
    CHECK(explanation.decision.server == decision.server);
    return {decision.kind, explanation.why};
}

using Told = std::pair<Kind, std::string>;

}  // namespace

TEST_CASE("a policy accepts, denies, or refuses for want of a server [K-33][K-35]") {
    CHECK(told(Policy(config_of({}))) == Told{Kind::deny, "no rule matches"});
    const Policy denies(config_of({rule_from({}, conf::Action::deny)}));
    CHECK(told(denies) == Told{Kind::deny, "the rule denies it"});
    CHECK(denies.decide(question()).rule == 0u);
    CHECK(told(Policy(config_of({rule_to({})}))) == Told{Kind::no_server, "it has no plug-to"});
    const Policy accepts(config_of({rule_to({{endpoint("192.0.2.53:53"), 1, {}}})}));
    CHECK(told(accepts) == Told{Kind::accept, ""});
    CHECK(accepts.decide(question()).server == endpoint("192.0.2.53:53"));
}

TEST_CASE(
    "a server's name that is not resolved yet keeps the client waiting, one without address does not "
    "[K-55]") {
    Policy policy(config_of({rule_to({server_named("a.example"), server_named("b.example")})}));
    policy.set_addresses(index_of(policy, "a.example"), {});
    CHECK(told(policy) ==
          Told{Kind::awaits_server, "name a.example has no address, name b.example is not resolved yet"});
    CHECK(policy.decide(question()).awaits_configured_names());
    policy.set_unresolved(index_of(policy, "b.example"));
    CHECK(told(policy) ==
          Told{Kind::no_server, "name a.example has no address, name b.example has no address"});
    policy.set_addresses(index_of(policy, "b.example"), {address("192.0.2.5")});
    CHECK(told(policy).first == Kind::accept);
    CHECK(policy.explain(question()).idle_names == std::vector<std::string>{"name a.example has no address"});
    CHECK(policy.has_server(0, address("192.0.2.5")));
}

TEST_CASE("a rule that depends on names waits for them [K-55][K-63]") {
    Policy by_name(config_of({rule_from({named("a.example")})}));
    CHECK(told(by_name) == Told{Kind::awaits_names, "from: depends on a.example, which is not resolved yet"});
    CHECK(by_name.decide(question()).awaits_rule());
    const Policy by_pattern(config_of({rule_from({pattern("a.*")})}));
    CHECK(told(by_pattern) == Told{Kind::awaits_client_names, "from: the client's names are not known"});
    CHECK_FALSE(by_pattern.decide(question()).awaits_configured_names());
}

TEST_CASE("the proxy's own listener is no server of a name, and no server that a proxy may choose") {
    Policy policy(config_of({rule_to({server_named("a.example")})}),
                  [](const base::Endpoint& asked) { return asked == endpoint("10.0.1.1:53"); });
    policy.set_addresses(0, {address("10.0.1.1")});
    CHECK(told(policy) == Told{Kind::no_server, "name a.example has no address that can be a server"});
    CHECK_FALSE(policy.can_be_server(0, endpoint("10.0.1.1:53")));
    CHECK(policy.can_be_server(0, endpoint("10.0.1.1:54")));
}
