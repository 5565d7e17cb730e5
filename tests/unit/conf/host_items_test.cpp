#include <catch2/catch.hpp>

#include "conf/address_block.hpp"
#include "conf/destination.hpp"
#include "conf/host_items.hpp"
#include "tests/unit/conf/text_config.hpp"

namespace {

struct Hosts {
    std::vector<conf::NamedList> lists;
    conf::HostItems from;
    [[nodiscard]] bool match(const std::string& address) const {
        return conf::HostMatch(base::parse_address(address).value(), lists).matches(from);
    }
};

Hosts hosts(const std::string& from, const std::string& lists = "none: [192.0.2.1]") {
    TextConfig text;
    text.head = "name: t\nlists: {" + lists + "}";
    text.session_acl = "session-acl: [{action: accept, plug-to: '192.0.2.1:53', from: " + from + "}]";
    const auto result = load(text);
    for (const conf::Error& error : result.errors)
        FAIL(to_string(error, "t"));
    return {result.config.lists, result.config.session_acl.at(0).from};
}

std::string printed(const std::string& item) {
    const Hosts read = hosts("[\"" + item + "\"]");
    return to_string(read.from.at(0), read.lists);
}

}  // namespace

TEST_CASE("each form of a host item matches what it says [K-34]") {
    CHECK(hosts("10.0.0.1").match("10.0.0.1"));
    CHECK_FALSE(hosts("10.0.0.1").match("10.0.0.2"));
    CHECK(hosts("10.0.0.0/8").match("10.255.255.255"));
    CHECK_FALSE(hosts("10.0.0.0/8").match("11.0.0.0"));
    CHECK(hosts("10.0.0.5-10.0.0.9").match("10.0.0.5"));
    CHECK(hosts("10.0.0.5-10.0.0.9").match("10.0.0.9"));
    CHECK_FALSE(hosts("10.0.0.5-10.0.0.9").match("10.0.0.10"));
    CHECK(hosts("10.0.0.1/255.0.0.255").match("10.77.88.1"));
    CHECK_FALSE(hosts("10.0.0.1/255.0.0.255").match("10.77.88.2"));
    CHECK(hosts("10.0.0.0/255.255.0.0").match("10.0.9.9"));
    CHECK(hosts("\"2001:db8::/32\"").match("2001:db8:ffff::1"));
    CHECK_FALSE(hosts("\"2001:db8::/32\"").match("2001:db9::1"));
    CHECK(hosts("\"*\"").match("::1"));
    CHECK(hosts("\"::ffff:10.0.0.1\"").match("10.0.0.1"));
}

TEST_CASE("an item of one family never matches the other, not even a network of everything [K-34]") {
    CHECK(hosts("0.0.0.0/0").match("203.0.113.1"));
    CHECK_FALSE(hosts("0.0.0.0/0").match("::1"));
    CHECK_FALSE(hosts("\"::/0\"").match("10.0.0.1"));
    CHECK_FALSE(hosts("10.0.0.1/0.0.0.255").match("::1"));
}

TEST_CASE("negated items exclude, whatever their order [K-34]") {
    for (const char* from : {"[10.0.0.0/8, '!10.9.0.0/16']", "['!10.9.0.0/16', 10.0.0.0/8]"}) {
        CHECK(hosts(from).match("10.8.0.1"));
        CHECK_FALSE(hosts(from).match("10.9.0.1"));
        CHECK_FALSE(hosts(from).match("11.0.0.1"));
    }
}

TEST_CASE("a list without a positive item means all others [K-34]") {
    CHECK(hosts("'!10.0.0.1'").match("10.0.0.2"));
    CHECK(hosts("'!10.0.0.1'").match("::1"));
    CHECK_FALSE(hosts("'!10.0.0.1'").match("10.0.0.1"));
}

TEST_CASE(
    "a negated list excludes what it matches; its exclusions are neither excluded nor included [K-34]") {
    const std::string lan = "lan: [10.0.0.0/8, '!10.9.0.0/16']";
    CHECK_FALSE(hosts("['*', '!@lan']", lan).match("10.1.0.1"));
    CHECK(hosts("['*', '!@lan']", lan).match("10.9.0.1"));
    CHECK_FALSE(hosts("[192.0.2.1, '!@lan']", lan).match("10.9.0.1"));
    CHECK(hosts("['@lan', 10.9.0.1]", lan).match("10.9.0.1"));
    CHECK_FALSE(hosts("'@lan'", lan).match("10.9.0.1"));
}

TEST_CASE("lists may use lists, also those below them, and diamonds are no circles") {
    const std::string lists = "a: ['@b', '@c'], b: ['@d'], c: ['@d'], d: [10.0.0.1]";
    CHECK(hosts("'@a'", lists).match("10.0.0.1"));
    CHECK_FALSE(hosts("'@a'", lists).match("10.0.0.2"));
}

TEST_CASE("items print in their shortest form") {
    CHECK(printed("10.0.0.0/255.0.0.0") == "10.0.0.0/8");
    CHECK(printed("10.0.0.0-10.0.0.255") == "10.0.0.0/24");
    CHECK(printed("10.0.0.0-10.0.0.254") == "10.0.0.0-10.0.0.254");
    CHECK(printed("!10.0.0.1/32") == "!10.0.0.1");
    CHECK(printed("10.0.0.1/255.0.0.255") == "10.0.0.1/255.0.0.255");
    CHECK(printed("::/0") == "::/0");
    CHECK(printed("!*") == "!*");
    CHECK(printed("@none") == "@none");
}

TEST_CASE("bits outside the mask are told, not guessed over") {
    const auto result = load_rule("action: accept, plug-to: '192.0.2.1:53', from: 10.0.0.1/8");
    CHECK(lines(result.warnings) ==
          "t.yaml:5:53: session-acl[1].from[1]: the address has bits outside the mask; it is read as "
          "10.0.0.0/8\n");
    CHECK(result.ok());
}

TEST_CASE("destinations have hosts, ports, both or a range") {
    const auto one = [](const std::string& text) {
        return to_string(rule_of("to: '" + text + "'").to.at(0), {});
    };
    CHECK(one("10.0.1.1") == "10.0.1.1");
    CHECK(one("10.0.1.1:53") == "10.0.1.1:53");
    CHECK(one("10.0.1.0/24:5060-5070") == "10.0.1.0/24:5060-5070");
    CHECK(one("2001:db8::1") == "2001:db8::1");
    CHECK(one("[2001:db8::/32]:53") == "[2001:db8::/32]:53");
    CHECK(one("![2001:db8::1]:53") == "![2001:db8::1]:53");
    CHECK(one("[2001:db8::1]") == "2001:db8::1");
    CHECK(one("*:53") == "*:53");
    for (const char* bad :
         {"[::1", "[::1]x", ":53", "10.0.1.1:", "10.0.1.1:53:54", "[]:53", "10.0.1.1:65536", "!"}) {
        INFO(bad);
        CHECK_FALSE(
            load_rule(std::string("action: accept, plug-to: '192.0.2.1:53', to: '") + bad + "'").ok());
    }
}

TEST_CASE("masks and networks") {
    const auto address = [](const char* text) { return base::parse_address(text).value(); };
    CHECK(conf::prefix_of_mask(address("255.255.254.0")) == 23u);
    CHECK(conf::prefix_of_mask(address("0.0.0.0")) == 0u);
    CHECK(conf::prefix_of_mask(address("255.0.255.0")) == std::nullopt);
    CHECK(conf::prefix_of_mask(address("ffff:fffe::")) == 31u);
    CHECK(conf::prefix_between(address("10.0.0.0"), address("10.0.0.3")) == 30u);
    CHECK(conf::prefix_between(address("10.0.0.1"), address("10.0.0.2")) == std::nullopt);
    CHECK(conf::is_multicast(address("239.1.2.3")));
    CHECK(conf::is_multicast(address("ff02::1")));
    CHECK_FALSE(conf::is_multicast(address("240.0.0.1")));
    CHECK(conf::is_loopback(address("127.255.0.1")));
    CHECK(conf::is_loopback(address("::1")));
    CHECK_FALSE(conf::is_loopback(address("::2")));
}

TEST_CASE("a regular expression that only looks as if it could match nothing is taken") {
    for (const char* pattern :
         {"a/b", "/?a", "a|b[.]c", R"(a\.|b)", R"(a|b\.)", "a.", R"(a\\.)", "a[.]", R"(a\.?)", "a.$"})
        CHECK(hosts("['~" + std::string(pattern) + "']").from.at(0).text == pattern);
}
