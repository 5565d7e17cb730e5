#include "proxyctl/doctor/finding.hpp"

#include <catch2/catch.hpp>

#include "proxyctl/views/list_view.hpp"

using namespace proxyctl;

namespace {

constexpr auto udp = conf::Transport::udp, tcp = conf::Transport::tcp;

NameServerProbe probe(const std::string& server, conf::Transport transport, std::optional<unsigned> rcode,
                      const std::string& trouble = {}) {
    return {*base::parse_endpoint(server), transport, rcode, trouble};
}

Row name(const std::string& text, const std::string& state, const std::string& trouble = {}) {
    Row row({{"name", text}, {"state", state}});
    if (state == "stale") row.add("expires_ms", std::int64_t{61'000});
    if (trouble.empty()) return row;
    row.add("last_error", trouble);
    row.add("last_error_ago_ms", std::int64_t{3'000});
    return row;
}

/// `warn: what`, each with its remedy if it needs one.
std::vector<std::string> texts(const std::vector<Finding>& findings) {
    std::vector<std::string> all;
    for (const Finding& finding : findings) {
        CHECK(finding.remedy.empty() == (finding.health == Health::ok));
        all.push_back(std::string(word_for(finding.health)) + ": " + finding.what);
    }
    return all;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a name server is checked by its answer") {
    const TransportUse use{udp, {"resolver.transport"}};
    CHECK(texts(check_name_servers(use, {probe("192.0.2.1:53", udp, 0), probe("192.0.2.2:53", udp, 3),
                                         probe("192.0.2.3:53", udp, 2), probe("192.0.2.4:53", udp, 5),
                                         probe("192.0.2.5:53", udp, 4), probe("192.0.2.6:53", udp, {})})) ==
          Texts{"ok: 2 of 6 name servers answer over UDP",
                "warn: 192.0.2.3:53 answers SERVFAIL over UDP to a query for the root servers",
                "warn: 192.0.2.4:53 answers REFUSED over UDP to a query for the root servers",
                "warn: 192.0.2.5:53 answers error 4 over UDP to a query for the root servers",
                "warn: 192.0.2.6:53 does not answer over UDP"});
    CHECK(no_name_server().health == Health::warn);
}

TEST_CASE("a transport without any answer is bad, whatever the other transport does") {
    const std::vector<NameServerProbe> probes{probe("192.0.2.1:53", tcp, {}, "Connection refused"),
                                              probe("192.0.2.2:53", tcp, {}), probe("192.0.2.1:53", udp, 0)};
    CHECK(texts(check_name_servers({udp, {"resolver.transport"}}, probes)) ==
          Texts{"ok: 1 of 1 name servers answer over UDP"});
    const auto findings = check_name_servers({tcp, {"resolver.conf-transport"}}, probes);
    CHECK(texts(findings) == Texts{"bad: 192.0.2.1:53 does not answer over TCP: Connection refused",
                                   "bad: 192.0.2.2:53 does not answer over TCP"});
    CHECK_THAT(findings[0].remedy, Catch::EndsWith("; for UDP set resolver.conf-transport: udp"));
    CHECK_THAT(check_name_servers({tcp, {"resolver.conf-transport", "resolver.transport"}}, probes)[0].remedy,
               Catch::EndsWith("; for UDP set resolver.conf-transport: udp and resolver.transport: udp"));
}

TEST_CASE("look-ups for the log need name servers too") {
    conf::Config config;
    CHECK(transports_used(config).empty());
    config.log.names = true;
    REQUIRE(transports_used(config).size() == 1);
    CHECK(transports_used(config)[0].transport == udp);
}

TEST_CASE("names are checked by their state, the worst first") {
    CHECK(check_names({}).empty());
    CHECK(texts(check_names({name("a", "resolved", "timed out")})) == Texts{"ok: 1 of 1 names are resolved"});
    CHECK(texts(check_names({name("a", "asked"), name("b", "resolved")})) ==
          Texts{"ok: 1 of 2 names are resolved, 1 pending"});
    CHECK(texts(check_names({name("a", "stale", "timed out"), name("b", "denied", "no such name"),
                             name("c", "failed", "server failure"), name("d", "denied")})) ==
          Texts{"bad: name c has no address: its look-ups fail; 3.0s ago: server failure",
                "warn: name a uses expired addresses, for 1m01s at most; 3.0s ago: timed out",
                "warn: name b does not exist or has no address: rules that use it do not match; 3.0s ago: no "
                "such name",
                "warn: name d does not exist or has no address: rules that use it do not match"});
    CHECK(check_names({name("a", "of a later version")}).empty());
}

TEST_CASE("a name with one failing family is reported with the family [D-1]") {
    Row row = name("a", "resolved", "AAAA: #1 REFUSED");
    row.add("failed", "AAAA");
    CHECK(texts(check_names({row}))[1] ==
          "warn: name a: its AAAA look-ups fail; only the other family's addresses are current; 3.0s ago: "
          "AAAA: #1 REFUSED");
}

TEST_CASE("servers that cannot be connected are reported with their names [D-6]") {
    Value addresses;
    addresses.kind = Value::Kind::list;
    addresses.members = {{"", "2001:db8::1"}, {"", "192.0.2.1"}};
    const Row one({{"name", "a"}, {"state", "resolved"}, {"addresses", addresses}});
    const Row other({{"name", "b"}, {"state", "resolved"}});
    const Row server({{"address", "2001:db8::1"}, {"why", "Network is unreachable"}});
    const auto rows = with_unreachable({one, other}, {server});
    CHECK(rows[0].text("unreachable") == "2001:db8::1: Network is unreachable");
    CHECK(rows[1].find("unreachable") == nullptr);
    CHECK(texts(check_names(rows))[1] ==
          "warn: name a has servers that cannot be connected: 2001:db8::1: Network is unreachable");
    const auto lines = names_table(rows).lines();
    CHECK(lines[0].text.find("UNREACHABLE") != std::string::npos);
    CHECK(names_table({other}).lines()[0].text.find("UNREACHABLE") == std::string::npos);
}

TEST_CASE("name servers that a change of resolv.conf has replaced are reported [D-3]") {
    const std::vector<base::Endpoint> used{*base::parse_endpoint("192.0.2.1:53")};
    CHECK(texts({outdated_name_servers(used, {})}) ==
          Texts{"warn: the running processes ask the name servers 192.0.2.1:53, but the configuration and "
                "/etc/resolv.conf list none"});
}

TEST_CASE("only the worst of many names with problems are shown") {
    std::vector<Row> names(7, name("w", "denied"));
    CHECK(texts(check_names(names)).back() == "warn: and 2 more names with problems");
    names.insert(names.end(), 6, name("b", "failed"));
    const auto shown = texts(check_names(names));
    REQUIRE(shown.size() == 6);
    CHECK(shown[4] == "bad: name b has no address: its look-ups fail");
    CHECK(shown[5] == "bad: and 8 more names with problems");
    names.resize(5, name("w", "denied"));
    CHECK(check_names(names).size() == 5);
}
