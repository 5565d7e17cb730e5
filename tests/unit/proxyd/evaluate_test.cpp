#include "proxyd/evaluate.hpp"

#include <catch2/catch.hpp>

#include "conf/load.hpp"

using namespace proxyd;
using Catch::Contains, Catch::EndsWith;

namespace {

constexpr base::LocalTime sunday_noon{6, 12 * 60};

conf::Config config() {
    conf::HostItem lan;
    lan.kind = conf::HostItem::Kind::range;
    lan.first = *base::parse_address("10.0.0.0");
    lan.last = *base::parse_address("10.255.255.255");

    conf::Config config;
    config.listen_on = {{*base::parse_address("10.0.1.1"), {53, 53}}};
    conf::Rule office, night, empty;
    office.name = "office";
    office.from = {lan};
    office.time = {{0x1f, 7 * 60, 19 * 60}};
    office.action = conf::Action::accept;
    office.plug_to = {{*base::parse_endpoint("192.0.2.53:53"), 1}};
    night.name = "closed";
    night.from = {lan};
    empty.name = "empty";
    empty.action = conf::Action::accept;
    empty.dscp.match = {46};
    config.session_acl = {office, night, empty};
    return config;
}

Evaluation run(std::string_view expression) {
    return evaluate(config(), expression, {}, sunday_noon);
}

}  // namespace

TEST_CASE("-t says rule by rule what the policy does with a client [K-30]") {
    const auto accepted = run("from 10.1.2.3:4000 to 10.0.1.1:53 at Mon 08:30");
    CHECK(accepted.ok);
    CHECK(accepted.text ==
          "client 10.1.2.3:4000 to 10.0.1.1:53 at Mon 08:30 dscp 0\n"
          "rule office: matches: all conditions hold\n"
          "accepted by rule office, server 192.0.2.53:53\n");
    const auto denied = run("from 10.1.2.3:4000 to 10.0.1.1:53 at Sat 08:30");
    CHECK(denied.ok);
    CHECK_THAT(denied.text, Contains("rule office: no: time: Sat 08:30 is in no window\n"));
    CHECK_THAT(denied.text, Contains("denied by rule closed\n"));
    CHECK_THAT(run("from 192.0.2.1:1 to 10.0.1.1:53").text, Contains("denied: no rule matches\n"));
}

TEST_CASE("port, time and dscp may be left out [K-30]") {
    const auto plain = run("from 10.1.2.3 to 10.0.1.1");
    CHECK(plain.ok);
    CHECK_THAT(plain.text, Contains("client 10.1.2.3 (any port) to 10.0.1.1:53 at Sun 12:00 dscp 0\n"));
    // [G-12]
    CHECK_THAT(plain.text,
               Contains("note: evaluated for 10.0.1.1:53 (listener 10.0.1.1:53); for another one, add "
                        "its port to 'to'\n"));
    CHECK_THAT(run("from 10.1.2.3 to 10.0.1.1:53").text, !Contains("note: evaluated for"));
    CHECK_THAT(run("at mon 8:05 to 10.0.1.1 from 10.1.2.3").text, Contains("at Mon 08:05"));
    CHECK_THAT(run("from 10.1.2.3 to 10.0.1.1 at 23:59").text, Contains("at Sun 23:59"));
}

TEST_CASE("an accepting rule without a server refuses [K-30][K-35]") {
    const auto result = run("from 192.0.2.1 to 10.0.1.1 dscp 46");
    CHECK(result.ok);
    CHECK_THAT(result.text, Contains("refused: rule empty accepts, but it has no plug-to\n"));
}

TEST_CASE("a destination without a listener is noted [K-30]") {
    CHECK_THAT(run("from 10.1.2.3 to 10.0.1.1:54").text,
               EndsWith("note: nothing listens there, so the proxy never sees this client; see listen-on\n"));
    CHECK_THAT(run("from 10.1.2.3 to 10.0.1.1:53").text, !Contains("note"));
}

TEST_CASE("a wrong expression is rejected with the mistake and the usage [K-30]") {
    const std::pair<std::string_view, std::string_view> wrong[] = {
        {"", "'from' is missing"},
        {"  ", "'from' is missing"},
        {"from", "no value after 'from'"},
        {"from 10.1.2.3", "'to' is missing"},
        {"to 10.0.1.1", "'from' is missing"},
        {"from nowhere to 10.0.1.1", "from: 'nowhere' is not an address"},
        {"from 10.1.2.3:70000 to 10.0.1.1", "from: '10.1.2.3:70000' is not an address"},
        {"from 10.1.2.3 to 2001:db8::1", "differ in IP version"},
        {"from 10.1.2.3 from 10.1.2.3 to 10.0.1.1", "'from' is given twice"},
        {"from 10.1.2.3 to 10.0.1.1 dscp 64", "dscp: '64' is not a number from 0 to 63"},
        {"from 10.1.2.3 to 10.0.1.1 dscp x", "dscp: 'x' is not a number"},
        {"from 10.1.2.3 to 10.0.1.1 at 24:00", "at: '24:00' is not a time"},
        {"from 10.1.2.3 to 10.0.1.1 at 0830", "at: '0830' is not a time"},
        {"from 10.1.2.3 to 10.0.1.1 at Mon", "at: 'Mon' is not a time"},
        {"from 10.1.2.3 to 10.0.1.1 at Foo 08:30", "at: 'Foo 08:30' is not a time"},
        {"from 10.1.2.3 to 10.0.1.1 user joe", "unknown word 'user'"},
        {"show-acl now", "unknown word 'show-acl'"}};
    for (const auto& [expression, text] : wrong) {
        INFO(expression);
        const auto result = run(expression);
        CHECK_FALSE(result.ok);
        CHECK_THAT(result.text, Contains(std::string(text)));
        CHECK_THAT(result.text, Contains("usage:"));
    }
}

TEST_CASE("help, the policy and the fingerprint can be shown [K-30]") {
    CHECK(run("help").ok);
    CHECK_THAT(run("help").text, Contains("usage:"));
    const auto acl = run("show-acl");
    CHECK(acl.ok);
    CHECK_THAT(acl.text, Catch::StartsWith("session-acl:"));
    CHECK_THAT(acl.text, Contains("office") && Contains("closed") && !Contains("listen-on:"));
    CHECK(run("show-hash").text.size() == 17);
    auto other = config();
    other.session_acl.pop_back();
    CHECK(run("show-hash").text != evaluate(other, "show-hash", {}, sunday_noon).text);
}

TEST_CASE("-t refuses a client that is a server or this proxy, as the proxy does [A-1]") {
    CHECK_THAT(run("from 192.0.2.53:53 to 10.0.1.1:53").text,
               EndsWith("refused (bad-source): the client's address and port are a server's, so its answers "
                        "would loop\n"));
    CHECK_THAT(run("from 10.0.1.1:53 to 10.0.1.1:53").text, Contains("bad-source"));
    CHECK_THAT(run("from 10.0.1.1:54 to 10.0.1.1:53 at Mon 08:30").text, Contains("accepted by rule office"));
    CHECK_THAT(run("from 192.0.2.53 to 10.0.1.1:53").text, !Contains("bad-source"));
}
