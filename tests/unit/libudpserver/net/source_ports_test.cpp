#include "libudpserver/net/source_ports.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace {

net::PoolGroup group(const char* source, std::optional<conf::PortRange> ports = std::nullopt) {
    const base::Address address = *base::parse_address(source);
    return {address.family, address, ports};
}

bool has(const std::vector<std::uint16_t>& ports, unsigned port) {
    return std::ranges::find(ports, port) != ports.end();
}

}  // namespace

TEST_CASE("no server-side socket takes a reserved port, and a tenth of the others is left [S-3]") {
    const net::SourcePorts ports({40000, 40999}, {{40100, 40199}, {40500, 40500}}, {});
    const auto usable = ports.of(group("0.0.0.0"));
    REQUIRE(usable.size() == 809);  // nine tenths of 899
    CHECK(std::ranges::none_of(usable, [](unsigned port) {
        return (port >= 40100 && port <= 40199) || port == 40500 || port > 40920;
    }));
    CHECK(has(usable, 40000));
}

TEST_CASE("a rule's source-port may contain reserved ones [S-3]") {
    const net::SourcePorts ports({40000, 40999}, {{40100, 40199}}, {});
    CHECK(ports.of(group("0.0.0.0", conf::PortRange{40100, 40199})).size() == 100);
}

TEST_CASE("no server-side socket takes the port of a listener [S-3]") {
    const conf::ListenOn one{*base::parse_address("10.0.0.1"), {40010, 40019}};
    const net::SourcePorts ports({40000, 40099}, {}, {one});
    const conf::PortRange range{40000, 40099};
    CHECK(ports.of(group("0.0.0.0")).size() == 81);
    CHECK(!has(ports.of(group("0.0.0.0", range)), 40015));
    CHECK(!has(ports.of(group("10.0.0.1", range)), 40015));
    CHECK(has(ports.of(group("10.0.0.2", range)), 40015));
    CHECK(has(ports.of(group("::", range)), 40015));
    CHECK(ports.of(group("10.0.0.1", conf::PortRange{40010, 40019})).empty());
}

TEST_CASE("the smallest and an empty range of ports are harmless [S-3]") {
    CHECK(net::SourcePorts({40000, 40000}, {}, {}).of(group("::")).empty());
    CHECK(net::SourcePorts({40000, 40001}, {}, {}).of(group("::")).size() == 1);
    CHECK(net::SourcePorts({65535, 65535}, {{1, 65535}}, {}).of(group("::")).empty());
}
