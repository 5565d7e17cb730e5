// Host lists with names and patterns: what is certain while names are unknown.

#include <catch2/catch.hpp>

#include "libudpserver/policy/host_list.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;
using conf::HostItems;

namespace {

/// A list, the names that it uses, and a client at 192.0.2.1.
struct Listed {
    explicit Listed(const HostItems& items, std::vector<conf::NamedList> lists = {})
        : config(config_of({rule_from(items)}, std::move(lists))),
          names(config),
          matcher(items, config.lists, names) {}

    [[nodiscard]] Match match() const { return matcher.match({address("192.0.2.1")}); }
    [[nodiscard]] Match match(const std::vector<std::string>& client_names) const {
        return matcher.match({address("192.0.2.1"), &client_names});
    }

    conf::Config config;
    Names names;
    HostList matcher;
};

}  // namespace

TEST_CASE("a name matches its addresses, also after they change [K-54]") {
    Listed listed({named("a.example")});
    CHECK(listed.match() == Match::needs_names);
    know(listed.names, "a.example", {"192.0.2.1", "192.0.2.7"});
    CHECK(listed.match() == Match::yes);
    know(listed.names, "a.example", {"192.0.2.7"});
    CHECK(listed.match() == Match::no);
    CHECK(listed.matcher.match({address("192.0.2.7")}) == Match::yes);
}

TEST_CASE("a name without addresses matches no client [K-55]") {
    Listed in({named("a.example")}), out({negated(named("a.example"))});
    in.names.set_unresolved(0);
    out.names.set_unresolved(0);
    CHECK(in.match() == Match::no);
    CHECK(out.match() == Match::yes);
}

TEST_CASE("an excluded name that is unknown leaves all clients undecided [K-55]") {
    Listed listed({conf::HostItem{}, negated(named("bad.example"))});
    CHECK(listed.match() == Match::needs_names);
    know(listed.names, "bad.example", {"192.0.2.1"});
    CHECK(listed.match() == Match::no);
    CHECK(listed.matcher.match({address("192.0.2.2")}) == Match::yes);
}

TEST_CASE("an answer that no name can change waits for none") {
    const auto certain = [](const HostItems& items, std::vector<conf::NamedList> lists = {}) {
        return Listed(items, std::move(lists)).match();
    };
    const auto me = one("192.0.2.1"), other = one("192.0.2.2"), name = named("a.example"),
               like = pattern("a.*");
    CHECK(certain({me, name, like}) == Match::yes);
    CHECK(certain({name, like, negated(me)}) == Match::no);
    CHECK(certain({me, negated(me), negated(name)}) == Match::no);
    CHECK(certain({other, negated(name), negated(like)}) == Match::no);
    CHECK(certain({conf::HostItem{}, negated(name)}) == Match::needs_names);
    CHECK(certain({me, negated(like)}) == Match::needs_client_names);
    CHECK(certain({other, name, like}) == Match::needs_names);
    CHECK(certain({like, negated(name)}) == Match::needs_names);
    CHECK(certain({negated(like)}) == Match::needs_client_names);
    CHECK(Listed({name}).matcher.match({base::Address{}}) == Match::no);
    CHECK(Listed({negated(name)}).matcher.match({base::Address{}}) == Match::no);
}

TEST_CASE("a pattern matches when any confirmed name of the client does, as a whole [K-63]") {
    const Listed listed({pattern(".*\\.example\\.com")});
    CHECK(listed.match() == Match::needs_client_names);
    CHECK(listed.match({"a.example.org", "A.Example.COM"}) == Match::yes);
    CHECK(listed.match({"a.example.com.evil.org"}) == Match::no);
    CHECK(listed.match({"example.com"}) == Match::no);
}

TEST_CASE("a client without a name is an answer: no pattern matches it [K-63]") {
    CHECK(Listed({pattern(".*")}).match({}) == Match::no);
    CHECK(Listed({negated(pattern(".*"))}).match({}) == Match::yes);
    CHECK(Listed({pattern("a"), one("192.0.2.1")}).match({}) == Match::yes);
}

TEST_CASE("the client's names do not answer for a name of the configuration, nor the other way round") {
    Listed listed({named("a.example"), pattern("b\\.example")});
    CHECK(listed.match({"a.example"}) == Match::needs_names);
    CHECK(listed.match({"b.example"}) == Match::yes);
    know(listed.names, "a.example", {});
    CHECK(listed.match() == Match::needs_client_names);
    CHECK(listed.match({"a.example"}) == Match::no);
}

TEST_CASE("a nested list matches as a whole, also while names are unknown [K-34]") {
    // @lan: a.example and the network, without b.example; @guests: by their names.
    const std::vector<conf::NamedList> lists{
        {"lan", {named("a.example"), range("192.0.2.0", "192.0.2.255"), negated(named("b.example"))}},
        {"guests", {pattern("guest.*"), negated(one("192.0.2.1"))}},
        {"nobody", {}}};
    Listed in({list(0)}, lists), out({negated(list(0))}, lists);
    CHECK(in.match() == Match::needs_names);
    CHECK(out.match() == Match::needs_names);
    for (Listed* listed : {&in, &out})
        know(listed->names, "b.example", {"192.0.2.1"});
    // What @lan excludes is out of @lan, and so not excluded by !@lan; a.example does not matter.
    CHECK(in.match() == Match::no);
    CHECK(out.match() == Match::yes);
    know(in.names, "b.example", {});
    CHECK(in.match() == Match::yes);
    // @guests is certain of this client without its names.
    CHECK(Listed({list(1)}, lists).match() == Match::no);
    CHECK(Listed({negated(list(1))}, lists).match() == Match::yes);
    CHECK(Listed({negated(list(2)), named("a.example")}, lists).match() == Match::needs_names);
    CHECK(Listed({list(2)}, lists).match() == Match::no);
}

TEST_CASE("has_patterns() includes nested lists") {
    const std::vector<conf::NamedList> lists{{"inner", {negated(pattern("x"))}}, {"outer", {list(0)}}};
    CHECK(Listed({list(1)}, lists).matcher.has_patterns());
    CHECK_FALSE(Listed({named("x")}, lists).matcher.has_patterns());
}

TEST_CASE("a name that is not in Names and an invalid pattern are rejected") {
    const Names none{conf::Config{}};
    CHECK_THROWS_AS(HostList({named("a.example")}, {}, none), std::invalid_argument);
    CHECK_THROWS_WITH(HostList({pattern("host(a")}, {}, none), "host list: '~host(a': missing ): host(a");
}

TEST_CASE("the name that is missing is one that matters [K-30]") {
    const std::vector<conf::NamedList> lists{{"sure", {named("a.example"), negated(one("192.0.2.1"))}}};
    Listed listed({list(0), named("b.example"), one("192.0.2.9"), negated(named("c.example"))}, lists);
    const auto missing = [&] {
        const auto index = listed.matcher.missing_name({address("192.0.2.1")});
        return index ? listed.names.name(*index) : "none";
    };
    CHECK(missing() == "b.example");
    know(listed.names, "b.example", {"192.0.2.1"});
    CHECK(missing() == "c.example");
    know(listed.names, "c.example", {});
    CHECK(missing() == "none");
}

TEST_CASE("names_without_address() covers positive items, also of nested lists") {
    const std::vector<conf::NamedList> lists{{"in", {named("a.example")}}, {"out", {named("b.example")}}};
    Listed listed({list(0), negated(list(1)), named("a.example"), named("c.example"), named("d.example")},
                  lists);
    CHECK(listed.matcher.names_without_address().empty());
    know(listed.names, "a.example", {});
    know(listed.names, "b.example", {});
    know(listed.names, "c.example", {"192.0.2.9"});
    CHECK(listed.matcher.names_without_address() ==
          std::vector<std::size_t>{listed.names.index("a.example").value()});
}
