#include "libudpserver/policy/names.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;

TEST_CASE("names are those of rules, lists and servers, each once, unknown at first") {
    conf::Rule rule = rule_from({list(0), named("b.example.com")});
    rule.plug_to = {{endpoint("0.0.0.0:53"), 1, "a.example.com"}, {endpoint("192.0.2.1:53"), 1, {}}};
    const Names names(config_of(
        {rule, rule}, {{"used", {negated(named("c.example.com"))}}, {"idle", {named("d.example.com")}}}));
    REQUIRE(names.size() == 3);
    CHECK(names.name(names.index("b.example.com").value()) == "b.example.com");
    CHECK_FALSE(names.index("d.example.com"));
    CHECK_FALSE(names.index(""));
    for (std::size_t i = 0; i < names.size(); ++i) {
        CHECK_FALSE(names.known(i));
        CHECK(names.addresses(i).empty());
    }
}

TEST_CASE("a name has the addresses of its last update, sorted and each once [K-54]") {
    Names names(config_of({rule_from({named("a.example.com")})}));
    know(names, "a.example.com", {"192.0.2.9", "2001:db8::1", "192.0.2.1", "192.0.2.9"});
    CHECK(names.addresses(0) ==
          Names::Addresses{address("2001:db8::1"), address("192.0.2.1"), address("192.0.2.9")});
    CHECK(names.has_address(0, address("192.0.2.9")));
    know(names, "a.example.com", {"192.0.2.1"});
    CHECK_FALSE(names.has_address(0, address("192.0.2.9")));
    CHECK(names.has_address(0, address("192.0.2.1")));
    CHECK_FALSE(names.has_address(0, address("::192.0.2.1")));  // the other family
}

TEST_CASE("a name that cannot be resolved keeps its addresses; without any, it becomes known [K-55]") {
    Names names(config_of({rule_from({named("a.example.com"), named("b.example.com")})}));
    know(names, "a.example.com", {"192.0.2.1"});
    names.set_unresolved(0);
    names.set_unresolved(1);
    CHECK(names.has_address(0, address("192.0.2.1")));
    CHECK(names.known(1));
    CHECK(names.addresses(1).empty());
    CHECK_FALSE(names.has_address(1, address("192.0.2.1")));
    CHECK_FALSE(names.has_address(1, base::Address{}));
}

TEST_CASE("a link-local address without an interface matches that of each [M-29]") {
    Names names(config_of({rule_from({named("a.example.com")})}));
    base::Address on_two = address("fe80::1"), on_three = on_two;
    on_two.scope = 2;
    on_three.scope = 3;
    know(names, "a.example.com", {"fe80::1"});
    CHECK(names.has_address(0, on_two));
    names.set(0, {on_two});
    CHECK(names.has_address(0, on_two));
    CHECK_FALSE(names.has_address(0, on_three));
    CHECK_FALSE(names.has_address(0, address("fe80::1")));
}
