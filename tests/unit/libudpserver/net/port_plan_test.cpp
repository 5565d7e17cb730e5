#include "libudpserver/net/port_plan.hpp"

#include <catch2/catch.hpp>
#include <map>

namespace {

net::PoolGroup group(const char* source, std::optional<conf::PortRange> ports = std::nullopt) {
    const base::Address address = *base::parse_address(source);
    return {address.family, address, ports};
}

/// Every source of the plan, as its group and its endpoint.
std::map<base::Endpoint, std::size_t> all(const net::PortPlan& plan) {
    std::map<base::Endpoint, std::size_t> result;
    for (std::uint32_t i = 0; i < plan.size(); ++i) {
        const net::SocketIndex index{i};
        result[{plan.range_of(index)->source, plan.port_of(index)}] = plan.range_of(index)->group;
    }
    return result;
}

}  // namespace

TEST_CASE("a source is the place of an address and a port") {
    const net::PortPlan plan({group("0.0.0.0"), group("::")}, {100, 199});
    CHECK(plan.size() == 200);
    CHECK(all(plan).size() == 200);
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.1:100")) == net::SocketIndex{0});
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.1:199")) == net::SocketIndex{99});
    CHECK(plan.source_at(*base::parse_endpoint("[::1]:100")) == net::SocketIndex{100});
    CHECK(plan.port_of(net::SocketIndex{150}) == 150);
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.1:99")) == net::no_socket);
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.1:200")) == net::no_socket);
    CHECK(plan.range_of(net::SocketIndex{200}) == nullptr);
    CHECK(plan.range_of(net::no_socket) == nullptr);
}

TEST_CASE("groups that may be at the same address have different ports") {
    const std::vector<net::PoolGroup> groups{group("0.0.0.0"), group("192.0.2.1"), group("192.0.2.2"),
                                             group("192.0.2.1", conf::PortRange{120, 129})};
    const net::PortPlan plan(groups, {100, 199});
    for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) {
        for (std::uint16_t port = 100; port < 200; ++port) {
            int owners = 0;
            for (const net::PortPlan::Range& range : plan.ranges())
                owners += (range.source.is_any() || range.source == *base::parse_address(address)) &&
                          range.ports.contains(port);
            CHECK(owners <= 1);
        }
    }
    // Those with an address do not disturb each other: each has the upper half.
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.1:199")) !=
          plan.source_at(*base::parse_endpoint("192.0.2.2:199")));
    CHECK(plan.range_of(plan.source_at(*base::parse_endpoint("192.0.2.1:125")))->group == 3);
    CHECK(plan.range_of(plan.source_at(*base::parse_endpoint("192.0.2.3:119")))->group == 0);
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.3:125")) == net::no_socket);
}

TEST_CASE("groups of one range divide it by what makes them differ") {
    std::vector<net::PoolGroup> groups{group("0.0.0.0"), group("0.0.0.0")};
    groups[1].several_senders = true;
    const net::PortPlan plan(groups, {100, 199});
    CHECK(plan.range_of(plan.source_at(*base::parse_endpoint("192.0.2.1:149")))->group == 0);
    CHECK(plan.range_of(plan.source_at(*base::parse_endpoint("192.0.2.1:150")))->group == 1);
    CHECK(plan.size() == 100);
}

TEST_CASE("a group for which no port is left is an error") {
    const std::vector<net::PoolGroup> groups{group("0.0.0.0", conf::PortRange{100, 199}),
                                             group("192.0.2.1", conf::PortRange{120, 129})};
    CHECK_THROWS_WITH(net::PortPlan(groups, {1000, 1999}), Catch::Contains("no port is left for 192.0.2.1"));
}

TEST_CASE("a plan may end at the last port") {
    const net::PortPlan plan({group("0.0.0.0", conf::PortRange{65'000, 65'535})}, {100, 199});
    CHECK(plan.size() == 536);
    CHECK(plan.source_at(*base::parse_endpoint("192.0.2.1:65535")) == net::SocketIndex{535});
}
