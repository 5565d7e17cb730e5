#include "conf/host_name.hpp"

#include <catch2/catch.hpp>

#include "conf/host_items.hpp"
#include "tests/unit/conf/text_config.hpp"

using conf::domain_name;
using conf::host_name;
using Kind = conf::HostItem::Kind;

TEST_CASE("a host name is canonical in lower case and keeps the dot at its end") {
    CHECK(host_name("Admin.Example.COM") == "admin.example.com");
    CHECK(host_name("admin.example.com.") == "admin.example.com.");
    CHECK(host_name("localhost") == "localhost");
    CHECK(host_name("LocalHost.") == "localhost.");
    CHECK(host_name("_dns.host-1.example") == "_dns.host-1.example");
    CHECK(host_name("3com.example") == "3com.example");
    CHECK(host_name("3com") == "3com");
    CHECK(host_name("10-0-0-1.example") == "10-0-0-1.example");
    CHECK(host_name("1.0.0.10.in-addr.arpa") == "1.0.0.10.in-addr.arpa");
    CHECK(host_name("fade.de") == "fade.de");
    CHECK(host_name("srv_1") == "srv_1");
    CHECK(host_name("xn--bcher-kva.example") == "xn--bcher-kva.example");
}

TEST_CASE("a name has at most 253 characters besides its last dot, and labels of 1 to 63") {
    const std::string label(63, 'x');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'x');
    REQUIRE(longest.size() == 253);
    CHECK(host_name(longest) == longest);
    CHECK(host_name(longest + ".") == longest + ".");
    CHECK_FALSE(host_name(longest + "x"));
    CHECK_FALSE(host_name(label + "x.example"));
    CHECK(domain_name(longest + ".") == longest);
    for (const char* bad : {"", ".", "..", "a..b", ".a", "a..", "-a", "a-", "a.-b", "a b", "a/b", "a:b", "a*",
                            "*.example", "a%b", "b\u00fccher.example"}) {
        INFO(bad);
        CHECK_FALSE(host_name(bad));
        CHECK_FALSE(domain_name(bad));
    }
}

TEST_CASE("a slip in an address is no name") {
    for (const char* slip : {"10.0.0.1O",
                             "1O.0.0.1",
                             "10.O.0.1",
                             "10.0.0.l",
                             "10.0.0.lO",
                             "10.0.l0",
                             "10.0.0",
                             "10",
                             "fe80",
                             "cafe",
                             "2001",
                             "10.0.0.1.",
                             "0x7f000001",
                             "0x7f.1",
                             "127.0x1",
                             "host.0x",
                             "host.1",
                             "10.0.0.5-10.0.0.9",
                             "10.0.0.5-10.0.0.9x",
                             "10.0.0.0-8"}) {
        INFO(slip);
        CHECK_FALSE(host_name(slip));
    }
}

TEST_CASE("a domain has no dot at its end, and cannot be mistaken for an address") {
    CHECK(domain_name("Example.COM.") == "example.com");
    CHECK(domain_name("de") == "de");
    CHECK(domain_name("10.in-addr.arpa") == "10.in-addr.arpa");
    CHECK_FALSE(domain_name("10.0.0.1"));
    CHECK_FALSE(domain_name("example.1"));
}

TEST_CASE("names and regular expressions stand in from, names in to [K-34][K-63]") {
    const auto rule = rule_of(
        "from: [Admin.Example.COM, '!printer.', '~.*[.]example[.]com', \"!~bad'[0-9]+\", 10.0.0.1], "
        "to: [gw.example, '!gw.example.:53', 'gw6:60-70']");
    REQUIRE(rule.from.size() == 5);
    CHECK(rule.from[0].kind == Kind::name);
    CHECK(rule.from[0].text == "admin.example.com");
    CHECK_FALSE(rule.from[0].negated);
    CHECK(rule.from[1].text == "printer.");
    CHECK(rule.from[1].negated);
    CHECK(rule.from[2].kind == Kind::pattern);
    CHECK(rule.from[2].text == ".*[.]example[.]com");
    CHECK(rule.from[3].text == "bad'[0-9]+");
    CHECK(rule.from[3].negated);
    CHECK(rule.from[4].kind == Kind::range);
    REQUIRE(rule.to.size() == 3);
    CHECK(rule.to[0].host.text == "gw.example");
    CHECK(rule.to[0].port == conf::PortRange{0, 65535});
    CHECK(rule.to[1].host.text == "gw.example.");
    CHECK(rule.to[1].host.negated);
    CHECK(rule.to[1].port == conf::PortRange{53, 53});
    CHECK(rule.to[2].port == conf::PortRange{60, 70});
}

TEST_CASE("a regular expression may have 512 characters and stays as it was written") {
    const std::string longest(512, 'A');
    CHECK(rule_of("from: '~" + longest + "'").from.at(0).text == longest);
    CHECK_FALSE(load_rule("action: accept, plug-to: '192.0.2.1:53', from: '~" + longest + "A'").ok());
    CHECK_FALSE(load_rule("action: accept, plug-to: '192.0.2.1:53', from: \"~a\\tb\"").ok());
}

TEST_CASE("a server may be a name with a port, which then is all of its endpoint [K-54]") {
    const auto result = load_rule(
        "action: accept, plug-to: ['DNS.Example.com:53', {server: 'backup.:5353', weight: 7}, "
        "'192.0.2.1:54']");
    CHECK(lines(result.errors) == "");
    CHECK(lines(result.warnings) == "");
    const auto& servers = result.config.session_acl.at(0).plug_to;
    REQUIRE(servers.size() == 3);
    CHECK(servers[0].name == "dns.example.com");
    CHECK(servers[0].endpoint.port == 53);
    CHECK(servers[0].endpoint.family == base::Family::none);
    CHECK(servers[0].weight == 1);
    CHECK(servers[1].name == "backup.");
    CHECK(servers[1].endpoint.port == 5353);
    CHECK(servers[1].weight == 7);
    CHECK(servers[2].name.empty());
    CHECK(to_string(servers[2].endpoint) == "192.0.2.1:54");
}

TEST_CASE("a name in plug-to goes with every source address, session type but broadcast, and listener") {
    CHECK(lines(load_rule("action: accept, plug-to: 'localhost:5300', source-address: 10.0.0.1").errors) ==
          "");
    CHECK(lines(load_rule("action: accept, plug-to: 'h:5300', source-address: '2001:db8::1'").errors) == "");
    for (const char* type : {"one-way", "normal", "any-port", "any-sock"}) {
        INFO(type);
        CHECK(load_rule(std::string("action: accept, plug-to: 'h:53', udp-session-type: ") + type).ok());
    }
    CHECK_FALSE(
        load_rule("action: accept, plug-to: ['10.0.0.255:53', 'h:53'], udp-session-type: broadcast").ok());
}

TEST_CASE("on-name-change has three words and keeps by default") {
    const auto change = [](const std::string& keys) {
        const auto result = load_rule("action: accept, plug-to: 'h:53'" + keys);
        CHECK(lines(result.errors) + lines(result.warnings) == "");
        return result.config.session_acl.at(0).on_name_change;
    };
    CHECK(change("") == conf::OnNameChange::keep);
    CHECK(change(", on-name-change: keep") == conf::OnNameChange::keep);
    CHECK(change(", on-name-change: move") == conf::OnNameChange::move);
    CHECK(change(", on-name-change: close") == conf::OnNameChange::close);
}

TEST_CASE("record is read and printed [F-2]") {
    for (const auto& [text, refusals, one_of] : {std::tuple{"always", true, 1u},
                                                 {"refused", true, 0u},
                                                 {"never", false, 0u},
                                                 {"1/100", true, 100u}}) {
        CAPTURE(text);
        const auto result =
            load_rule(std::string("action: accept, plug-to: '127.0.0.1:53', record: ") + text);
        CHECK(lines(result.errors) + lines(result.warnings) == "");
        CHECK(result.config.session_acl.at(0).record.refusals == refusals);
        CHECK(result.config.session_acl.at(0).record.one_of == one_of);
        CHECK(print(result.config).find(std::string("    record: ") + text + "\n") != std::string::npos);
    }
    for (const char* text : {"1/0", "1/1000001", "2/3", "1/", "1/-1", "some"})
        CHECK_FALSE(load_rule(std::string("action: deny, record: ") + text).ok());
}

TEST_CASE("which listeners a name in to means is not judged, those of other rules still are [K-43]") {
    const auto errors = [](const std::string& to_unicast, const std::string& to_broadcast) {
        TextConfig text;
        text.head = "name: t\nlists: {here: [gw.example]}";
        text.listen_on = "listen-on: [{address: 10.0.0.1, port: 53}]";
        text.session_acl = "session-acl:\n  - {action: accept, plug-to: 'h.example:53', to: '" + to_unicast +
                           "'}\n  - {action: accept, plug-to: '10.0.9.255:9', udp-session-type: broadcast, "
                           "to: '" +
                           to_broadcast + "'}";
        return load(text).errors.size();
    };
    CHECK(errors("gw.example", "10.0.0.1") == 0);
    CHECK(errors("@here", "gw.example:53") == 0);
    CHECK(errors("!gw.example", "10.0.0.1") == 1);
    CHECK(errors("10.0.0.1", "*:53") == 1);
}

TEST_CASE("names in a domain or below it") {
    for (const char* name : {"lan", "lan.", "x.lan", "x.lan.", "a.b.lan"})
        CHECK(conf::is_in_domain(name, "lan"));
    for (const char* name : {"", "xlan", "lan.example", "lan.."})
        CHECK_FALSE(conf::is_in_domain(name, "lan"));
    CHECK_FALSE(conf::is_in_domain("lan", ""));
    CHECK_FALSE(conf::is_in_domain("", ""));
}
