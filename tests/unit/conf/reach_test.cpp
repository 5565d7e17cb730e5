#include <catch2/catch.hpp>

#include "conf/reach.hpp"
#include "tests/unit/conf/text_config.hpp"

namespace {

std::string warnings_of(const std::string& listen_on, const std::string& rules,
                        const std::string& lists = "none: [192.0.2.1]") {
    TextConfig text;
    text.head = "name: t\nlists: {" + lists + "}";
    text.listen_on = "listen-on: [" + listen_on + "]";
    text.session_acl = "session-acl:\n" + rules;
    const auto result = load(text);
    CHECK(lines(result.errors) == "");
    return lines(result.warnings);
}

std::string accept(const std::string& keys) {
    return "  - {action: accept, plug-to: '192.0.2.1:53'" + keys + "}\n";
}

constexpr const char* v4 = "{address: 10.0.0.1, port: 53}";
constexpr const char* both = "{address: 0.0.0.0, port: 53}, {address: '::', port: 53}";

}  // namespace

TEST_CASE("an item of to that no listener receives is warned about, with the listeners [G-1]") {
    const std::string expected =
        "t.yaml:6:51: session-acl[1].to[1]: no listener receives this, so the item matches nothing (expected "
        "an address and port of listen-on: 10.0.0.1:53)\n";
    const std::string other = accept("");
    CHECK(warnings_of(v4, accept(", to: '10.0.0.1:54'") + other) == expected);
    CHECK(warnings_of(v4, accept(", to: '10.0.0.2:53'") + other) == expected);
    CHECK(warnings_of(v4, accept(", to: '10.0.0.2'") + other) == expected);
    CHECK(warnings_of(v4, accept(", to: '[2001:db8::1]:53'") + other) == expected);
    CHECK(warnings_of(v4, accept(", to: '@far'") + other, "far: [192.0.2.1, '!10.0.0.1']") == expected);
    CHECK(warnings_of(v4, accept(", to: 10.0.0.0/8") + other) == "");
    CHECK(warnings_of(v4, accept(", to: 10.0.0.1/255.0.0.255") + other) == "");
    CHECK(warnings_of(v4, accept(", to: '*:50-60'") + other) == "");
    CHECK(warnings_of(v4, accept(", to: 'gw.example.com:53'") + other) == "");
    CHECK(warnings_of(v4, accept(", to: '@near'") + other, "near: [192.0.2.1, '@in'], in: [10.0.0.1]") == "");
    CHECK(warnings_of(v4, accept(", to: '@not'") + other, "not: ['!192.0.2.1']") == "");
}

TEST_CASE("a wildcard listener receives each address of its IP version, but no multicast group [G-1][G-2]") {
    const std::string any = "{address: 0.0.0.0, port: 53}, {address: 10.0.0.1, port: 9}";
    CHECK(warnings_of(any, accept(", to: '203.0.113.7:53'") + accept("")) == "");
    for (const char* to : {"203.0.113.7:9", "[2001:db8::1]:53", "224.0.0.251:53", "224.0.0.0/4"})
        CHECK(warnings_of(any, accept(", to: '" + std::string(to) + "'") + accept(""))
                  .find("to[1]: no listener receives this") != std::string::npos);
    CHECK(warnings_of("{address: 127.0.0.1, port: 0}", accept(", to: '127.0.0.1:4711'") + accept("")) == "");
}

TEST_CASE("a listener that no rule uses is warned about, with the rule to write [G-1]") {
    const std::string two = "{address: 10.0.0.1, port: 53}, {address: 10.0.0.1, port: 54}";
    CHECK(
        warnings_of(two, accept(", to: '10.0.0.1:53'")) ==
        "t.yaml:4:44: listen-on[2]: no rule accepts sessions here, so every datagram is refused (add a rule "
        "with to: '10.0.0.1:54', or remove the listener)\n");
    CHECK(warnings_of(two, accept(", to: '10.0.0.1:53'") + "  - {action: deny}\n").find("listen-on[2]") !=
          std::string::npos);
    CHECK(warnings_of(two, accept(", to: '10.0.0.1'")) == "");
    CHECK(warnings_of(two, accept(", to: '!10.0.0.9'")) == "");
    CHECK(warnings_of(both, accept(", from: 10.0.0.0/8")).find("listen-on[2]: no rule accepts") !=
          std::string::npos);
}

TEST_CASE("a network of all addresses of one IP version is not everyone [G-1]") {
    const std::string rest = accept("");
    const std::string missed =
        "t.yaml:6:53: session-acl[1].from: does not match the IPv6 clients of [::]:53 (expected '*' for all "
        "clients, or IPv6 addresses, names or regular expressions)\n";
    CHECK(warnings_of(both, accept(", from: 0.0.0.0/0") + rest) == missed);
    CHECK(warnings_of(both, accept(", from: [0.0.0.0/0, '::/0']") + rest) == "");
    CHECK(warnings_of(both, accept(", from: 0.0.0.0/0, to: '0.0.0.0/0'") + rest) == "");
    CHECK(warnings_of(both, accept(", from: 10.0.0.0/8") + rest) == "");
    CHECK(warnings_of(v4, accept(", from: '::/0'") + rest)
              .find("from: does not match the IPv4 clients of 10.0.0.1:53") != std::string::npos);
    CHECK(warnings_of(v4, accept(", from: '2001:db8::/32'") + rest)
              .find("from: matches no client: the listeners of this rule receive IPv4") != std::string::npos);
}

TEST_CASE("a port range that goes to one port of the server is warned about [G-1]") {
    const std::string range = "{address: 10.0.0.1, port: 5060-5070}";
    CHECK(
        warnings_of(range, accept("")) ==
        "t.yaml:6:31: session-acl[1].plug-to: several ports of 10.0.0.1:5060-5070 go to the same port of the "
        "server (if it serves each of them, write a rule for each port with 'to')\n");
    CHECK(warnings_of(range, accept(", to: ['10.0.0.1:5060', '10.0.0.1:5061']")).find("several ports") !=
          std::string::npos);
    CHECK(warnings_of(range, accept(", to: '10.0.0.1:5060'")) == "");
    // Only what this listener receives counts.
    const std::string two = range + ", {address: 10.0.0.2, port: 5061}";
    CHECK(warnings_of(two, accept(", to: ['10.0.0.1:5060', '10.0.0.2:5061']")) == "");
    CHECK(warnings_of(two, accept(", to: ['10.0.0.1:5060', '10.0.0.0/8:5061']")).find("several ports") !=
          std::string::npos);
    // An exclusion may leave one port, and the kernel chooses port 0.
    CHECK(warnings_of(range, accept(", to: ['*:5060-5070', '!*:5061-5070']")) == "");
    CHECK(warnings_of("{address: 127.0.0.1, port: 0}", accept(", to: '127.0.0.1:5060-5061'")) == "");
    CHECK(warnings_of(range, accept(", to: '10.0.0.1:5060'") + accept(", to: '10.0.0.1:5061'")) == "");
}

TEST_CASE("other firewalls' words for every host are read as such [G-1]") {
    for (const char* word : {"any", "all", "Any", "ALL"}) {
        const auto rule = rule_of("from: " + std::string(word));
        CHECK(rule.from.at(0).kind == conf::HostItem::Kind::any);
    }
    CHECK(rule_of("from: any.").from.at(0).kind == conf::HostItem::Kind::name);
    CHECK(rule_of("to: 'any:5300'").to.at(0).host.kind == conf::HostItem::Kind::any);
}
