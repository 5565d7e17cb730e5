#include "libudpserver/policy/targets.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/log.hpp"
#include "tests/unit/base/log_directory.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace policy;

namespace {

conf::Server server(const char* text, unsigned weight = 1) {
    return {endpoint(text), weight, {}};
}

conf::Server server_named(const char* name, std::uint16_t port = 53, unsigned weight = 1) {
    return {{base::Address{}, port}, weight, name};
}

conf::Rule rule_to(std::vector<conf::Server> servers) {
    conf::Rule rule = rule_from({});
    rule.plug_to = std::move(servers);
    return rule;
}

bool own_listener(const base::Endpoint& asked) {
    return asked == endpoint("10.0.1.1:53");
}

struct Plugged {
    explicit Plugged(std::vector<conf::Rule> rules)
        : config(config_of(std::move(rules))), names(config), targets(config, names, own_listener) {}

    void means(const char* name, std::initializer_list<const char*> addresses) {
        know(names, name, addresses);
        targets.update(names.index(name).value());
    }
    /// `endpoint*weight (name)`, blank separated.
    [[nodiscard]] std::string of(std::size_t rule) const {
        std::string text;
        for (const conf::Server& each : targets.of(rule))
            text += base::to_string(each.endpoint) + "*" + std::to_string(each.weight) +
                    (each.name.empty() ? " " : " (" + each.name + ") ");
        return text;
    }

    conf::Config config;
    Names names;
    Targets targets;
};

}  // namespace

TEST_CASE("a name in plug-to stands for all its addresses, with the entry's port and weight [K-54]") {
    Plugged plugged({rule_to({server("192.0.2.1:53", 3), server_named("a.example", 5353, 2)})});
    CHECK(plugged.of(0) == "192.0.2.1:53*3 ");
    plugged.means("a.example", {"198.51.100.2", "2001:db8::2", "198.51.100.1"});
    CHECK(plugged.of(0) ==
          "192.0.2.1:53*3 [2001:db8::2]:5353*2 (a.example) 198.51.100.1:5353*2 (a.example) "
          "198.51.100.2:5353*2 (a.example) ");
    plugged.means("a.example", {"198.51.100.2"});
    CHECK(plugged.of(0) == "192.0.2.1:53*3 198.51.100.2:5353*2 (a.example) ");
    plugged.means("a.example", {});
    CHECK(plugged.of(0) == "192.0.2.1:53*3 ");
}

TEST_CASE("a rule waits while it has no server and a name is unknown [K-58]") {
    Plugged plugged({rule_to({server_named("a.example"), server_named("b.example")}),
                     rule_to({server("192.0.2.1:53"), server_named("a.example")}),
                     rule_to({server("192.0.2.1:53")}), rule_to({})});
    CHECK(plugged.targets.waiting(0));
    CHECK_FALSE(plugged.targets.waiting(1));
    CHECK_FALSE(plugged.targets.waiting(2));
    CHECK_FALSE(plugged.targets.waiting(3));
    plugged.means("a.example", {});
    CHECK(plugged.targets.waiting(0));
    plugged.names.set_unresolved(plugged.names.index("b.example").value());
    CHECK_FALSE(plugged.targets.waiting(0));
    CHECK(plugged.of(0).empty());
    plugged.means("b.example", {"192.0.2.2"});
    CHECK_FALSE(plugged.targets.waiting(0));
    CHECK(plugged.of(0) == "192.0.2.2:53*1 (b.example) ");
}

TEST_CASE("names that are known before the targets are made count at once") {
    const conf::Config config = config_of({rule_to({server_named("a.example")})});
    Names names(config);
    know(names, "a.example", {"192.0.2.1"});
    CHECK(Targets(config, names, {}).of(0).size() == 1);
}

TEST_CASE("the users of a name are the rules that have it in plug-to, each once") {
    conf::Rule other = rule_from({named("b.example")});
    const Plugged plugged({rule_to({server_named("a.example", 1), server_named("a.example", 2)}), other,
                           rule_to({server_named("a.example")})});
    const auto index = [&](const char* name) { return plugged.names.index(name).value(); };
    CHECK(plugged.targets.users(index("a.example")) == std::vector<std::size_t>{0, 2});
    CHECK(plugged.targets.users(index("b.example")).empty());
}

TEST_CASE("addresses that cannot be servers are left out") {
    Plugged plugged({rule_to({server_named("a.example")})});
    plugged.means("a.example", {"0.0.0.0", "::", "224.0.0.251", "ff02::fb", "255.255.255.255", "10.0.1.1",
                                "192.0.2.1", "255.255.255.254"});
    CHECK(plugged.of(0) == "192.0.2.1:53*1 (a.example) 255.255.255.254:53*1 (a.example) ");
    plugged.means("a.example", {"127.0.0.1", "224.0.0.1"});
    CHECK(plugged.of(0) == "127.0.0.1:53*1 (a.example) ");
    plugged.means("a.example", {"10.0.1.1"});
    CHECK(plugged.of(0).empty());
    CHECK_FALSE(plugged.targets.waiting(0));
}

TEST_CASE("only the listener's own port is the proxy itself") {
    Plugged plugged({rule_to({server_named("a.example", 54)})});
    plugged.means("a.example", {"10.0.1.1"});
    CHECK(plugged.of(0) == "10.0.1.1:54*1 (a.example) ");
}

TEST_CASE("a broadcast rule may have groups, but not itself [K-43]") {
    conf::Rule rule = rule_to({server_named("a.example")});
    rule.type = conf::SessionType::broadcast;
    Plugged plugged({rule});
    plugged.means("a.example", {"224.0.0.251", "255.255.255.255", "0.0.0.0", "10.0.1.1"});
    CHECK(plugged.of(0) == "224.0.0.251:53*1 (a.example) 255.255.255.255:53*1 (a.example) ");
}

TEST_CASE("servers are of the source address's family") {
    conf::Rule four = rule_to({server_named("a.example")}), six = four;
    four.source_address = address("10.0.2.1");
    six.source_address = address("2001:db8::99");
    Plugged plugged({four, six});
    plugged.means("a.example", {"192.0.2.1", "2001:db8::1"});
    CHECK(plugged.of(0) == "192.0.2.1:53*1 (a.example) ");
    CHECK(plugged.of(1) == "[2001:db8::1]:53*1 (a.example) ");
    plugged.means("a.example", {"2001:db8::1"});
    CHECK(plugged.of(0).empty());
    CHECK_FALSE(plugged.targets.waiting(0));
}

TEST_CASE("servers that are addresses stay as the configuration has them") {
    Plugged plugged({rule_to({server("10.0.1.1:53"), server("192.0.2.1:53", 7)}),
                     rule_to({server("10.0.1.1:53"), server_named("a.example")})});
    CHECK(plugged.of(0) == "10.0.1.1:53*1 192.0.2.1:53*7 ");
    plugged.means("a.example", {"192.0.2.1"});
    CHECK(plugged.of(1) == "10.0.1.1:53*1 192.0.2.1:53*1 (a.example) ");
}

TEST_CASE("a rule has an address while one of its servers has it, on any port") {
    Plugged plugged(
        {rule_to({server("192.0.2.1:53"), server_named("a.example"), server_named("b.example")})});
    plugged.means("a.example", {"192.0.2.2"});
    plugged.means("b.example", {"192.0.2.2"});
    const auto has = [&](const char* text) { return plugged.targets.has_address(0, address(text)); };
    CHECK(has("192.0.2.1"));
    CHECK(has("192.0.2.2"));
    CHECK_FALSE(has("192.0.2.3"));
    CHECK_FALSE(has("::192.0.2.1"));
    plugged.means("a.example", {});
    CHECK(has("192.0.2.2"));  // by the other name
    plugged.means("b.example", {"fe80::1"});
    CHECK_FALSE(has("192.0.2.2"));
    base::Address scoped = address("fe80::1");
    scoped.scope = 3;
    CHECK(plugged.targets.has_address(0, scoped));
}

TEST_CASE("a name that is not in Names is rejected") {
    const Names none{conf::Config{}};
    CHECK_THROWS_AS(Targets(config_of({rule_to({server_named("a.example")})}), none, {}),
                    std::invalid_argument);
}

TEST_CASE("an address that cannot be a server is logged, one of the other family is not") {
    const LogDirectory directory;
    conf::Rule rule = rule_to({server_named("a.example")}), six = rule;
    rule.name = "dns";
    six.source_address = address("2001:db8::99");
    Plugged plugged({rule, six});
    base::log::open({.target = base::LogTarget::file, .path = directory.path("log")}, "gw", true);
    plugged.means("a.example", {"10.0.1.1", "192.0.2.1", "2001:db8::1", "224.0.0.1"});
    base::log::flush_and_close();
    const std::string text = directory.content("log");
    CHECK_THAT(text,
               Catch::Contains("NAMS-224-W rule dns: plug-to: a.example resolves to 10.0.1.1:53, which is "
                               "this proxy's own listener: ignored\n"));
    CHECK_THAT(text,
               Catch::Contains("a.example resolves to 224.0.0.1:53, which is a multicast address: ignored"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("a name without any address of the rule's family is logged") {
    const LogDirectory directory;
    conf::Rule rule = rule_to({server_named("a.example")});
    rule.name = "dns";
    rule.source_address = address("192.0.2.99");
    Plugged plugged({rule});
    base::log::open({.target = base::LogTarget::file, .path = directory.path("log")}, "gw", true);
    plugged.means("a.example", {"2001:db8::1", "2001:db8::2"});
    plugged.means("a.example", {});
    plugged.means("a.example", {"2001:db8::1", "192.0.2.1"});
    base::log::flush_and_close();
    const std::string text = directory.content("log");
    CHECK_THAT(text,
               Catch::Contains("NAMS-224-W rule dns: plug-to: a.example has no address of the family of "
                               "source-address 192.0.2.99, so it is not a server\n"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("idle_names() gives the names without a server, and the reason") {
    using Said = std::vector<std::string>;
    Plugged plugged(
        {rule_to({server_named("a.example"), server_named("b.example"), server("192.0.2.7:53")})});
    CHECK(plugged.targets.idle_names(0) ==
          Said{"name a.example is not resolved yet", "name b.example is not resolved yet"});
    plugged.means("a.example", {});
    plugged.means("b.example", {"224.0.0.1"});
    CHECK(plugged.targets.idle_names(0) ==
          Said{"name a.example has no address", "name b.example has no address that can be a server"});
    plugged.means("a.example", {"192.0.2.1"});
    plugged.means("b.example", {"192.0.2.1"});
    CHECK(plugged.targets.idle_names(0).empty());
}
