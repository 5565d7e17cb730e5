#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

constexpr const char* some_lists =
    "name: t\nlists: {bad: [bad.example], good: [10.0.0.0/8, '!host.example'], outer: ['!@good'], "
    "nest: ['@bad', 10.9.0.1], re: ['~.*[.]example']}";

/// The warnings about one rule in front of one that accepts all others.
std::string warnings_of(const std::string& keys) {
    TextConfig text;
    text.head = some_lists;
    text.session_acl = "session-acl:\n  - {" + keys + "}\n  - {action: accept, plug-to: '192.0.2.1:53'}";
    const auto result = load(text);
    CHECK(lines(result.errors) == "");
    return lines(result.warnings);
}

std::string accept(const std::string& keys) {
    return warnings_of("action: accept, plug-to: '192.0.2.1:53', " + keys);
}

std::string deny(const std::string& keys) {
    return warnings_of("action: deny, " + keys);
}

std::string keeps_nobody(const std::string& position, const std::string& name) {
    return "t.yaml:" + position + ": '" + name +
           "' stops no client while the name has no address; use addresses where that matters\n";
}

std::string keeps_not_unnamed(const std::string& position, const std::string& pattern) {
    return "t.yaml:" + position + ": '" + pattern +
           "' stops no client whose address has no name, and clients choose their own names; use "
           "addresses "
           "where that matters\n";
}

}  // namespace

TEST_CASE("a name in a rule that denies is warned about: until it resolves it denies no client [K-55]") {
    CHECK(deny("from: bad.example") == keeps_nobody("6:26: session-acl[1].from", "bad.example"));
    CHECK(deny("to: 'gw.example:5300'") == keeps_nobody("6:24: session-acl[1].to", "gw.example"));
    CHECK(deny("from: '@bad'") == keeps_nobody("6:26: session-acl[1].from", "bad.example"));
    CHECK(deny("from: '@nest'") == keeps_nobody("6:26: session-acl[1].from", "bad.example"));
    CHECK(deny("from: 10.0.0.1, to: '!10.0.0.2'") == "");
}

TEST_CASE("a name behind '!' is warned about where it excludes [K-55]") {
    CHECK(accept("from: ['*', '!bad.example']") == keeps_nobody("6:53: session-acl[1].from", "bad.example"));
    CHECK(accept("from: ['*', '!@nest']") == keeps_nobody("6:53: session-acl[1].from", "bad.example"));
    CHECK(accept("to: '!gw.example'") == keeps_nobody("6:51: session-acl[1].to", "gw.example"));
    CHECK(accept("from: '@good'") == keeps_nobody("6:53: session-acl[1].from", "host.example"));
}

TEST_CASE("a name is not warned about where it lets in, however many '!' stand before it [K-55]") {
    CHECK(accept("from: [admin.example, '@bad', '@re', '~x']") == "");
    CHECK(accept("to: gw.example") == "");
    CHECK(accept("from: '@outer'") == "");
    CHECK(deny("from: ['*', '!admin.example']") == "");
    CHECK(deny("from: '@good'") == "");
}

TEST_CASE("a regular expression that denies or excludes is warned about: no name, no match [K-55]") {
    CHECK(deny("from: '~a.*'") == keeps_not_unnamed("6:26: session-acl[1].from", "~a.*"));
    CHECK(accept("from: ['*', '!~a.*']") == keeps_not_unnamed("6:53: session-acl[1].from", "~a.*"));
    CHECK(deny(R"(from: '~a\.b')") == keeps_not_unnamed("6:26: session-acl[1].from", R"(~a\.b)"));
    CHECK(accept("from: '!@re'") == keeps_not_unnamed("6:53: session-acl[1].from", "~.*[.]example"));
}

TEST_CASE("a rule is warned about once, however many names it has") {
    CHECK(deny("from: [a.example, b.example, '~c'], to: d.example") ==
          keeps_nobody("6:26: session-acl[1].from", "a.example"));
}

TEST_CASE("a name that is also the name of a list is warned about") {
    CHECK(accept("from: good") ==
          "t.yaml:6:53: session-acl[1].from[1]: 'good' is read as a host name; the list is '@good'\n");
    CHECK(accept("from: good.") == "");
}

TEST_CASE("on-name-change without a name is warned about") {
    CHECK(accept("on-name-change: move")
              .find("on-name-change: has no effect in a rule without a name in "
                    "plug-to") != std::string::npos);
    CHECK(warnings_of(
              "action: accept, from: 10.0.0.1, plug-to: ['192.0.2.1:1', 'h:1'], on-name-change: move") == "");
}

TEST_CASE("in a single process look-ups of clients' names are warned about, other names are not [K-57]") {
    const auto warnings = [](const std::string& head, const std::string& from) {
        TextConfig text;
        text.head = "name: t\n" + head;
        text.session_acl = "session-acl: [{action: accept, plug-to: 'h.example:53', from: " + from + "}]";
        const auto result = load(text);
        CHECK(lines(result.errors) == "");
        return lines(result.warnings);
    };
    const std::string end =
        " resolves the names of clients, and in a single process each look-up blocks all sessions\n";
    CHECK(warnings("singleproc: true", "'~a'") == "t.yaml:2:13: singleproc: a regular expression" + end);
    CHECK(warnings("singleproc: true\nlog: {names: true}", "'*'") ==
          "t.yaml:2:13: singleproc: log.names" + end);
    CHECK(warnings("singleproc: true", "a.example") == "");
    CHECK(warnings("log: {names: true}", "'~a'") == "");
}

TEST_CASE("names in domains for private use that allow-private does not cover are warned about [D-9]") {
    const auto warns = [](const std::string& resolver, const std::string& name) {
        TextConfig text;
        text.head = "name: t\n" + resolver;
        text.session_acl = "session-acl: [{action: accept, plug-to: '" + name + ":53'}]";
        const auto result = load(text);
        CHECK(lines(result.errors) == "");
        return lines(result.warnings).find("allow-private: does not cover '" + name + "'") !=
               std::string::npos;
    };
    for (const char* name : {"gw.home.arpa", "a.b.internal", "nas.local", "gw.lan", "dc.corp", "x.home."}) {
        INFO(name);
        CHECK(warns("", name));
        CHECK_FALSE(warns("resolver: {allow-private: true}", name));
    }
    CHECK_FALSE(warns("resolver: {allow-private: [lan]}", "gw.lan"));
    CHECK(warns("resolver: {allow-private: [a.lan]}", "gw.lan"));
    CHECK_FALSE(warns("", "gw.example"));
    CHECK_FALSE(warns("", "gw.notlan"));
    CHECK_FALSE(warns("", "local.example"));
}

TEST_CASE("the section resolver needs no name to stand for itself") {
    TextConfig text;
    text.head = "name: t\nresolver: {servers: 192.0.2.53}";
    CHECK(lines(load(text).warnings) == "");
}

TEST_CASE("names in large lists behind many rules are looked through in a moment") {
    TextConfig text;
    std::string items = "last.example", rules;
    for (int i = 0; i < 20'000; ++i)
        items = "10.1.0." + std::to_string(i % 256) + ", " + items;
    for (int i = 0; i < 2000; ++i)
        rules += "  - {action: deny, from: '@big'}\n";
    text.head = "name: t\nlists: {big: [" + items + "]}";
    text.session_acl = "session-acl:\n" + rules;
    // The search is cut like all warnings, and each list is searched once: 4e7 comparisons otherwise.
    const auto result = load(text);
    CHECK(lines(result.errors) == "");
    CHECK(result.warnings.size() == 201);
}
