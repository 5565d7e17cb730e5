#include "libudpserver/net/shared_ports.hpp"

#include <arpa/inet.h>

#include <catch2/catch.hpp>
#include <cerrno>

namespace {

const base::Endpoint server = *base::parse_endpoint("127.0.0.1:53");
const base::Endpoint other = *base::parse_endpoint("127.0.0.1:54");
constexpr net::SocketIndex index{7};

/// A worker's side over memory that no kernel reads.
struct Side {
    net::PortPlan plan{{{base::Family::v4, base::Address::any(base::Family::v4), std::nullopt}},
                       {10'240, 10'303}};
    std::vector<steer_port> memory{plan.size()};
    net::SharedSockets sockets{.raw_v4 = 70, .raw_v6 = 71, .receivers = {{}, {}}};
    net::SharedPorts ports{plan, memory, sockets, 1};

    [[nodiscard]] const steer_port& entry() const { return memory[net::index_of(index)]; }
};

}  // namespace

TEST_CASE("an open source accepts its server only, at the address from which it sends") {
    Side side;
    CHECK(side.ports.is_closed(index));
    CHECK(!side.ports.has_server(index));
    REQUIRE(side.ports.open(index, server, net::Accepts::server) == 0);
    CHECK(side.entry().accepts == STEER_SERVER);
    CHECK(side.entry().worker == 1);
    CHECK(ntohs(side.entry().peer_port) == 53);
    CHECK(side.ports.local(index) == *base::parse_endpoint("127.0.0.1:10247"));
    CHECK(side.ports.source_at(*base::parse_endpoint("127.0.0.1:10247")) == base::parse_address("127.0.0.1"));
    net::SendBatch::Order order;
    side.ports.address(index, server, net::Accepts::server, order);
    CHECK(order.fd == 70);
    CHECK(order.is_raw);
    CHECK(order.to == server);
    CHECK(order.source == side.ports.local(index));
}

TEST_CASE("a closed source remembers its server, and does not open before its datagrams were read") {
    Side side;
    REQUIRE(side.ports.open(index, server, net::Accepts::server) == 0);
    REQUIRE(side.ports.close(index) == 0);
    CHECK(side.ports.is_closed(index));
    CHECK(side.ports.has_server(index));
    CHECK(!side.ports.source_at(*base::parse_endpoint("127.0.0.1:10247")));
    CHECK(side.ports.open(index, server, net::Accepts::server) == EAGAIN);
    side.ports.drained(base::Family::v6);
    CHECK(!side.ports.may_open(index));
    side.ports.drained(base::Family::v4);
    CHECK(side.ports.open(index, server, net::Accepts::server) == 0);
}

TEST_CASE("a closed source remembers that it was open to anyone, also when it is closed again [S-9]") {
    Side side;
    REQUIRE(side.ports.open(index, server, net::Accepts::anyone) == 0);
    REQUIRE(side.ports.close(index) == 0);
    CHECK(side.entry().accepts == STEER_CLOSED_TO_ANYONE);
    CHECK(side.ports.is_closed(index));
    REQUIRE(side.ports.close(index) == 0);
    CHECK(side.entry().accepts == STEER_CLOSED_TO_ANYONE);
    CHECK(!side.ports.reopen(index, server, net::Accepts::anyone));
    side.ports.drained(base::Family::v4);
    REQUIRE(side.ports.open(index, server, net::Accepts::server) == 0);
    REQUIRE(side.ports.close(index) == 0);
    CHECK(side.entry().accepts == STEER_CLOSED);
}

TEST_CASE("ICMP messages that the kernel takes for datagrams of the server do not count [S-11]") {
    Side side;
    REQUIRE(side.ports.open(index, server, net::Accepts::server) == 0);
    const net::IcmpReport report{side.ports.local(index), server, 0, true};
    const net::IcmpReport discarded{side.ports.local(index), server, 0, false};
    const net::IcmpReport wrong{side.ports.local(index), other, 0};
    CHECK(side.ports.concerns(index, report));
    CHECK(!side.ports.concerns(index, wrong));
    REQUIRE(side.ports.close(index) == 0);
    CHECK(!side.ports.concerns(index, report));
    const std::uint32_t before = side.ports.dropped(index);
    ++side.memory[net::index_of(index)].missed;
    side.ports.forgive(index, wrong);
    side.ports.forgive(index, discarded);
    CHECK(side.ports.dropped(index) != before);
    side.ports.forgive(index, report);
    CHECK(side.ports.dropped(index) == before);
}

TEST_CASE("what a server sends to a closed source is counted") {
    Side side;
    const std::uint32_t before = side.ports.dropped(index);
    side.memory[net::index_of(index)].missed += 3;  // as the kernel's program does
    CHECK(side.ports.dropped(index) - before == 3);
}

TEST_CASE("a new REG continues with a source only if it serves exactly this") {
    Side side;
    const bool accepts_server = GENERATE(true, false);
    const net::Accepts accepts = accepts_server ? net::Accepts::server : net::Accepts::anyone;
    REQUIRE(side.ports.open(index, server, accepts) == 0);
    net::SharedPorts next(side.plan, side.memory, side.sockets, 0);
    CHECK(next.reopen(index, other, accepts) == !accepts_server);
    CHECK(!next.reopen(index, server, accepts_server ? net::Accepts::anyone : net::Accepts::server));
    CHECK(next.reopen(index, server, accepts));
    CHECK(side.entry().worker == 0);
    REQUIRE(next.close(index) == 0);
    CHECK(!next.reopen(index, server, accepts));
}

TEST_CASE("a source does not open to an address that means this machine") {
    Side side;
    CHECK(side.ports.open(index, *base::parse_endpoint("0.0.0.0:53"), net::Accepts::server) != 0);
    CHECK(side.ports.is_closed(index));
}
