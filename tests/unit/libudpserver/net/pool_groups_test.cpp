#include "libudpserver/net/pool_groups.hpp"

#include <array>
#include <catch2/catch.hpp>

using base::Family;

namespace {

conf::Config config_with(std::vector<conf::Server> servers) {
    conf::Config config;
    conf::Rule rule;
    rule.action = conf::Action::accept;
    rule.plug_to = std::move(servers);
    config.session_acl = {rule};
    return config;
}

conf::Server named() {
    return {.endpoint = {base::Address{}, 53}, .name = "dns.example.com"};
}
conf::Server at(const char* endpoint) {
    return {.endpoint = *base::parse_endpoint(endpoint)};
}

}  // namespace

TEST_CASE("a name can need a group of either family, and none of them for certain [K-54]") {
    const auto groups = net::pool_groups(config_with({named()}));
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].family == Family::v4);
    CHECK(groups[1].family == Family::v6);
    CHECK((groups[0].optional && groups[1].optional));
}

TEST_CASE("what an address needs is not optional, in any order") {
    const bool address_first = GENERATE(true, false);
    const auto groups = net::pool_groups(config_with(
        address_first ? std::vector{at("192.0.2.1:53"), named()} : std::vector{named(), at("192.0.2.1:53")}));
    REQUIRE(groups.size() == 2);
    CHECK(groups[0].family == Family::v4);
    CHECK(!groups[0].optional);
    CHECK(groups[1].optional);
}

TEST_CASE("source-address and the resolver's families leave one family, which is needed then") {
    conf::Config config = config_with({named()});
    Family left = Family::v6;
    SECTION("source-address") {
        config.session_acl[0].source_address = base::parse_address("2001:db8::1");
    }
    SECTION("families: 6") {
        config.resolver.families = conf::Families::v6;
    }
    SECTION("families: 4") {
        config.resolver.families = conf::Families::v4;
        left = Family::v4;
    }
    const auto groups = net::pool_groups(config);
    REQUIRE(groups.size() == 1);
    CHECK(groups[0].family == left);
    CHECK(!groups[0].optional);
}

TEST_CASE("a source-address of the family that names are not asked for leaves no group") {
    conf::Config config = config_with({named()});
    config.session_acl[0].source_address = base::parse_address("192.0.2.1");
    config.resolver.families = conf::Families::v6;
    CHECK(net::pool_groups(config).empty());
}

TEST_CASE("optional or not, it is the same group") {
    net::PoolGroup certain{Family::v4, base::Address::any(Family::v4), {}, false, false}, perhaps = certain;
    perhaps.optional = true;
    CHECK(certain == perhaps);
    perhaps.ports = conf::PortRange{1000, 2000};
    CHECK(!(certain == perhaps));
}

TEST_CASE("sockets of sessions that take replies from several senders serve no others [S-7]") {
    using Type = conf::SessionType;
    conf::Config config = config_with({at("192.0.2.1:53")});
    config.session_acl.resize(5, config.session_acl[0]);
    const std::array types{Type::normal, Type::one_way, Type::any_port, Type::any_sock, Type::broadcast};
    for (std::size_t i = 0; i < types.size(); ++i)
        config.session_acl[i].type = types[i];
    const auto groups = net::pool_groups(config);
    REQUIRE(groups.size() == 2);
    for (std::size_t i = 0; i < types.size(); ++i)
        CHECK(net::group_for(config.session_acl[i], Family::v4) == groups[i < 2 ? 0 : 1]);
    CHECK(net::to_string(groups[0]) == "IPv4");
    CHECK(net::to_string(groups[1]) == "IPv4 for several senders");
}
