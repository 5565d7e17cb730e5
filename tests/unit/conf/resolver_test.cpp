#include <catch2/catch.hpp>

#include "tests/unit/conf/text_config.hpp"

namespace {

using namespace std::chrono_literals;
using conf::Resolver;
using Words = std::vector<std::string>;

conf::LoadResult load_resolver(const std::string& keys) {
    TextConfig text;
    text.head = "name: t\nresolver: {" + keys + "}";
    return load(text);
}

Resolver resolver(const std::string& keys) {
    const auto result = load_resolver(keys);
    CHECK(lines(result.errors) == "");
    CHECK(lines(result.warnings) == "");
    return result.config.resolver;
}

Words servers(const std::string& text) {
    Words words;
    for (const conf::Endpoint& server : resolver("servers: " + text).servers)
        words.push_back(to_string(server));
    return words;
}

}  // namespace

TEST_CASE("without a section, or with an empty one, the resolver has its defaults [K-52][K-62][K-63]") {
    for (const Resolver& read : {load(TextConfig{}).config.resolver, resolver("")}) {
        CHECK(read.servers.empty());
        CHECK_FALSE(read.search);
        CHECK_FALSE(read.dots);
        CHECK(read.tries == 2);
        CHECK(read.families == conf::Families::both);
        CHECK(read.conf_transport == conf::Transport::tcp);
        CHECK(read.transport == conf::Transport::udp);
        CHECK(read.conf_timeout == 15s);
        CHECK(read.timeout == 5s);
        CHECK(read.server_timeout == 2s);
        CHECK(read.initial_timeout == 1s);
        CHECK(read.connect_timeout == 1s);
        CHECK((read.ttl.min == 1s && read.ttl.max == 24h));
        CHECK((read.negative_ttl.min == 1s && read.negative_ttl.max == 30s));
        CHECK(read.stale_max == 24h);
        CHECK(read.negative_grace == 30s);
        CHECK_FALSE(read.allow_private);
        CHECK(read.private_domains.empty());
        CHECK(read.hosts_file == "/etc/hosts");
        CHECK((read.hold.datagrams == 16 && read.hold.bytes == 65536));
        CHECK((read.hold.sessions == 1024 && read.hold.memory == (16u << 20)));
    }
}

TEST_CASE("name servers have addresses of both families, and port 53 unless they say another [K-62]") {
    CHECK(servers("192.0.2.53") == Words{"192.0.2.53:53"});
    CHECK(servers("['192.0.2.53:5353', '2001:db8::53', '[2001:db8::53]:54', 127.0.0.1]") ==
          Words{"192.0.2.53:5353", "[2001:db8::53]:53", "[2001:db8::53]:54", "127.0.0.1:53"});
    CHECK(servers("['::1:ab', '2001:db8::1:53', '[::1]:53', '::1']") ==
          Words{"[::0.1.0.171]:53", "[2001:db8::1:53]:53", "[::1]:53", "[::1]:53"});
    CHECK(
        servers("[10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5, 10.0.0.6, 10.0.0.7, 10.0.0.8]").size() ==
        8);
}

TEST_CASE("domains to search are canonical, and an empty list is none, not the system's") {
    CHECK(resolver("search: [Example.COM., lan]").search == Words{"example.com", "lan"});
    CHECK(resolver("search: example.com").search == Words{"example.com"});
    CHECK(resolver("search: []").search == Words{});
    CHECK(resolver("dots: 0").dots == 0u);
    CHECK(resolver("dots: 15").dots == 15u);
}

TEST_CASE("the words of the resolver mean what they say") {
    CHECK(resolver("families: ipv4").families == conf::Families::v4);
    CHECK(resolver("families: ipv6").families == conf::Families::v6);
    CHECK(resolver("families: both").families == conf::Families::both);
    CHECK(resolver("conf-transport: udp").conf_transport == conf::Transport::udp);
    CHECK(resolver("conf-transport: udp").transport == conf::Transport::udp);
    CHECK(resolver("transport: tcp").transport == conf::Transport::tcp);
    CHECK(resolver("hosts-file: none").hosts_file.empty());
    CHECK(resolver("hosts-file: /run/hosts").hosts_file == "/run/hosts");
}

TEST_CASE("each time of the resolver arrives in its own place") {
    const Resolver read = resolver(
        "conf-timeout: 5m, timeout: 100ms, server-timeout: 3s, initial-timeout: 4s, connect-timeout: 6s, "
        "ttl: {min: 7s, max: 7d}, negative-ttl: {min: 8s, max: 9s}, stale-max: 365d, negative-grace: 11s, "
        "tries: 10");
    CHECK(read.conf_timeout == 5min);
    CHECK(read.timeout == 100ms);
    CHECK(read.server_timeout == 3s);
    CHECK(read.initial_timeout == 4s);
    CHECK(read.connect_timeout == 6s);
    CHECK((read.ttl.min == 7s && read.ttl.max == 168h));
    CHECK((read.negative_ttl.min == 8s && read.negative_ttl.max == 9s));
    CHECK(read.stale_max == 365 * 24h);
    CHECK(read.negative_grace == 11s);
    CHECK(resolver("stale-max: 0s").stale_max == 0s);
    CHECK(resolver("ttl: {min: 1d}").ttl.min == 24h);
    CHECK(read.tries == 10);
}

TEST_CASE("private addresses are for all names, for none, or for those of some domains") {
    CHECK(resolver("allow-private: true").allow_private);
    CHECK_FALSE(resolver("allow-private: false").allow_private);
    const Resolver read = resolver("allow-private: [LAN, example.com.]");
    CHECK_FALSE(read.allow_private);
    CHECK(read.private_domains == Words{"lan", "example.com"});
    CHECK(resolver("allow-private: Lab.test").private_domains == Words{"lab.test"});
    CHECK(resolver("allow-private: lab.").private_domains == Words{"lab"});
    CHECK_FALSE(resolver("allow-private: lab.test").allow_private);
}

TEST_CASE("what may wait for names has bounds at both ends [K-58]") {
    const auto most = resolver("hold: {datagrams: 1024, bytes: 16MiB, sessions: 1000000, memory: 4GiB}").hold;
    CHECK(most.datagrams == 1024);
    CHECK(most.bytes == 16u << 20);
    CHECK(most.sessions == 1'000'000);
    CHECK(most.memory == std::uint64_t{4} << 30);
    const auto least = resolver("hold: {datagrams: 1, bytes: 1, sessions: 0, memory: 0}").hold;
    CHECK(least.datagrams == 1);
    CHECK(least.bytes == 1);
    CHECK(least.sessions == 0);
    CHECK(least.memory == 0);
    CHECK(resolver("hold: {sessions: 5}").hold.datagrams == 16);
}

TEST_CASE("log.names is off unless it is asked for") {
    TextConfig text;
    CHECK_FALSE(load(text).config.log.names);
    text.head = "name: t\nlog: {names: true}";
    CHECK(load(text).config.log.names);
}
