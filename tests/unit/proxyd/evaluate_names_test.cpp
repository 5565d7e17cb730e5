#include <catch2/catch.hpp>
#include <map>

#include "proxyd/evaluate.hpp"
#include "tests/unit/libudpserver/policy/policy_fixture.hpp"

using namespace proxyd;
using Catch::Contains, Catch::EndsWith;

namespace {

constexpr const char* expression = "from 10.1.2.3:4000 to 10.0.1.1:53 at Mon 08:30";
const std::string header = "client 10.1.2.3:4000 to 10.0.1.1:53 at Mon 08:30 dscp 0\n";

/// One accepting rule `lan`; its servers and clients are names.
struct Named {
    explicit Named(const conf::HostItems& from = {}, std::vector<conf::Server> servers = {}) {
        conf::Rule lan = rule_from(from);
        lan.name = "lan";
        lan.plug_to = std::move(servers);
        if (lan.plug_to.empty()) lan.plug_to = {{endpoint("192.0.2.53:53"), 1, {}}};
        config = config_of({lan});
        config.listen_on = {{address("10.0.1.1"), {53, 53}}, {address("0.0.0.0"), {5353, 5353}}};
    }

    /// Without addresses: the name has none.
    void know(const char* name, std::vector<const char*> addresses) {
        resolved[name].clear();
        for (const char* text : addresses)
            resolved[name].push_back(address(text));
    }

    [[nodiscard]] std::string run(decltype(EvaluationLookups::client_names) client_names = {}) const {
        const auto resolve = [this](policy::Policy& policy) {
            for (const auto& [name, addresses] : resolved)
                policy.set_addresses(policy.names().index(name).value(), addresses);
        };
        const Evaluation evaluation = evaluate(config, expression, {resolve, std::move(client_names)});
        CHECK(evaluation.ok);
        return evaluation.text;
    }

    conf::Config config;
    std::map<std::string, policy::Names::Addresses> resolved;
};

conf::Server named_server(const char* name, std::uint16_t port = 53) {
    return {{base::Address{}, port}, 1, name};
}

}  // namespace

TEST_CASE("-t says which name a rule depends on [K-30]") {
    Named named_client({named("a.example")});
    const std::string undecided =
        header +
        "rule lan: undecided: from: depends on a.example, which is not resolved yet\n"
        "undecided: rule lan: from: depends on a.example, which is not resolved yet\n";
    CHECK(named_client.run() == undecided);
    // Without look-ups, no name is known.
    CHECK(evaluate(named_client.config, expression, {}).text == undecided);
    named_client.know("a.example", {"10.1.2.3"});
    CHECK_THAT(named_client.run(), EndsWith("accepted by rule lan, server 192.0.2.53:53\n"));
    named_client.know("a.example", {});
    CHECK_THAT(named_client.run(),
               EndsWith("rule lan: no: from: 10.1.2.3 is not in the list; a.example has no address\n"
                        "denied: no rule matches\n"));
}

TEST_CASE("the client's names are looked up once, and only if the policy depends on them [K-30][K-63]") {
    const Named by_pattern({pattern(".*\\.example")}), by_address({one("10.1.2.3")});
    int asked = 0;
    std::optional<std::vector<std::string>> answer;
    const auto ask = [&](const base::Address& whose) {
        CHECK(whose == address("10.1.2.3"));
        ++asked;
        return answer;
    };
    CHECK_THAT(by_address.run(ask), Contains("accepted by rule lan"));
    CHECK(asked == 0);
    const std::string unknown = header +
                                "rule lan: undecided: from: the client's names are not known\n"
                                "undecided: rule lan: from: the client's names are not known\n";
    CHECK(by_pattern.run() == unknown);
    CHECK(by_pattern.run(ask) == unknown);
    CHECK(asked == 1);
    answer = {{"www.example", "b.test"}};
    CHECK(by_pattern.run(ask) == header +
                                     "its names: www.example, b.test\n"
                                     "rule lan: matches: all conditions hold\n"
                                     "accepted by rule lan, server 192.0.2.53:53\n");
    answer.emplace();
    CHECK(by_pattern.run(ask) == header +
                                     "the client has no name\n"
                                     "rule lan: no: from: 10.1.2.3 is not in the list\n"
                                     "denied: no rule matches\n");
    // A plain list of names will do as well.
    CHECK_THAT(by_pattern.run([](const base::Address&) { return std::vector<std::string>{"c.example"}; }),
               Contains("its names: c.example\n"));
}

TEST_CASE("-t lists the servers of a name [K-30][K-54]") {
    Named servers({}, {named_server("dns.example")});
    servers.know("dns.example", {"192.0.2.5"});
    CHECK_THAT(servers.run(), EndsWith("accepted by rule lan, server 192.0.2.5:53 (dns.example)\n"));
    servers.know("dns.example", {"192.0.2.5", "2001:db8::5"});
    CHECK_THAT(servers.run(), Contains("accepted by rule lan, server ") &&
                                  EndsWith("its servers: [2001:db8::5]:53 (dns.example), "
                                           "192.0.2.5:53 (dns.example)\n"));
}

TEST_CASE("-t says why a name gives no server [K-30][K-55]") {
    Named servers({}, {named_server("dns.example")});
    CHECK_THAT(servers.run(),
               EndsWith("undecided: rule lan accepts, but name dns.example is not resolved yet\n"));
    servers.know("dns.example", {});
    CHECK_THAT(servers.run(), EndsWith("refused: rule lan accepts, but name dns.example has no address\n"));
    for (const auto* own : {"10.0.1.1", "224.0.0.1"}) {
        servers.know("dns.example", {own});
        CHECK_THAT(servers.run(), EndsWith("refused: rule lan accepts, but name dns.example has "
                                           "no address that can be a server\n"));
    }
}

TEST_CASE("names without addresses are listed after the chosen server") {
    Named servers({},
                  {{endpoint("192.0.2.1:53"), 1, {}}, named_server("a.example"), named_server("b.example")});
    servers.know("b.example", {});
    CHECK_THAT(servers.run(), EndsWith("accepted by rule lan, server 192.0.2.1:53\n"
                                       "no server: name a.example is not resolved yet\n"
                                       "no server: name b.example has no address\n"));
}

TEST_CASE("a listener on all addresses counts as own only on loopback") {
    Named servers({}, {named_server("dns.example", 5353)});
    servers.know("dns.example", {"127.0.0.1", "192.0.2.5"});
    CHECK_THAT(servers.run(), EndsWith("accepted by rule lan, server 192.0.2.5:5353 (dns.example)\n"));
}
