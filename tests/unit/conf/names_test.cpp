#include "conf/names.hpp"

#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

using Names = std::vector<std::string>;

conf::Config config_of(const std::string& lists, const std::string& rules) {
    TextConfig text;
    text.head = "name: t\nlists: {" + lists + "}";
    text.session_acl = "session-acl: [" + rules + "]";
    const auto result = load(text);
    for (const conf::Error& error : result.errors)
        FAIL(to_string(error, "t"));
    return result.config;
}

conf::Config accept(const std::string& lists, const std::string& keys,
                    const std::string& servers = "192.0.2.1:53") {
    return config_of(lists, "{action: accept, plug-to: '" + servers + "', " + keys + "}");
}

}  // namespace

TEST_CASE("names are those of from, to and plug-to, sorted, each once [K-52]") {
    CHECK(names(load(TextConfig{}).config) == Names{});
    CHECK(
        names(accept("", "from: [b.example, A.example, '!c.example', b.example], to: ['host:53', a.example]",
                     "b.example:53")) == Names{"a.example", "b.example", "c.example", "host"});
    CHECK(names(accept("", "from: [e.example, e.example.]", "z:1")) == Names{"e.example", "e.example.", "z"});
}

TEST_CASE(
    "names are found through nested lists, also negated ones, and only in those that a rule uses [K-52]") {
    const std::string lists =
        "a: ['@b', '!@c', a.example], b: ['@d'], c: ['@d', c.example], d: [d.example, b.example], e: "
        "[e.example]";
    CHECK(names(accept(lists, "from: '@a'")) == Names{"a.example", "b.example", "c.example", "d.example"});
    CHECK(names(accept(lists, "to: ['!@b:53', '@b']")) == Names{"b.example", "d.example"});
    CHECK(names(accept(lists, "from: 10.0.0.1")) == Names{});
}

TEST_CASE("names of rules that deny are asked for too") {
    CHECK(names(config_of("", "{action: deny, from: bad.example}, {action: deny}")) == Names{"bad.example"});
}

TEST_CASE("patterns are found in from and in the lists that it uses [K-63]") {
    CHECK_FALSE(has_patterns(load(TextConfig{}).config));
    CHECK_FALSE(has_patterns(accept("", "from: a.example")));
    CHECK(has_patterns(accept("", "from: '~a.*'")));
    CHECK(has_patterns(accept("", "from: '!~a.*'")));
    const std::string lists = "a: ['@b'], b: ['@c', 10.0.0.1], c: '!~.*', d: 10.0.0.1";
    CHECK(has_patterns(accept(lists, "from: ['@d', '!@a']")));
    CHECK_FALSE(has_patterns(accept(lists, "from: '@d'")));
}

TEST_CASE("at most 1000 names, of which those that no rule uses do not count") {
    const auto load_names = [](int count, const std::string& use) {
        TextConfig text;
        std::string items = "h0.example";
        for (int i = 1; i < count; ++i)
            items += ", h" + std::to_string(i) + ".example";
        text.head = "name: t\nlists: {many: [" + items + "]}";
        text.session_acl = "session-acl: [{action: accept, plug-to: 'h0.example:53'" + use + "}]";
        return lines(load(text).errors);
    };
    CHECK(load_names(1000, ", from: '@many'") == "");
    CHECK(load_names(1001, "") == "");
    CHECK(load_names(1001, ", from: '@many'") ==
          "t.yaml:5:14: session-acl: the rules and the lists that they use have 1001 names (expected at most "
          "1000)\n");
}

TEST_CASE("at most 1000 regular expressions") {
    const auto load_patterns = [](int count) {
        TextConfig text;
        std::string items = "'~h0'";
        for (int i = 1; i < count; ++i)
            items += ", '~h" + std::to_string(i) + "'";
        text.head = "name: t\nlists: {many: [" + items + "]}";
        text.session_acl = "session-acl: [{action: accept, plug-to: '192.0.2.1:53', from: '~x'}]";
        return lines(load(text).errors);
    };
    CHECK(load_patterns(999) == "");
    CHECK(load_patterns(1000) ==
          "t.yaml:5:14: session-acl: the file has 1001 regular expressions (expected at most 1000)\n");
}
