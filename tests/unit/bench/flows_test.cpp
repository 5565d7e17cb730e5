#include "bench/packet_load/flows.hpp"

#include <catch2/catch.hpp>

#include "bench/packet_load/plan.hpp"

namespace {

packet::Options options() {
    packet::Options options;
    options.network = 0x0a010000;
    options.prefix = 16;
    options.addresses = 250;
    options.to_address = 0xac1f0101;
    options.to_port = 5000;
    return options;
}

packet::Path reply_to(const packet::Path& path) {
    return {path.to, path.from, path.to_port, path.from_port};
}

}  // namespace

TEST_CASE("each flow has an address and a port of its own, and a reply to them names it") {
    const packet::Flows flows(options());
    CHECK(flows.path(0) == packet::Path{0x0a010001, 0xac1f0101, 1024, 5000});
    CHECK(flows.path(249).from == 0x0a0100fa);
    CHECK(flows.path(250) == packet::Path{0x0a010001, 0xac1f0101, 1025, 5000});
    for (const std::uint32_t flow :
         {0U, 1U, 249U, 250U, 10'000U, 199'999U, 250U * packet::Flows::ports - 1}) {
        CHECK(flows.flow_of_reply(reply_to(flows.path(flow))) == flow);
    }
}

TEST_CASE("a reply from elsewhere or to no flow names none") {
    const packet::Flows flows(options());
    const auto good = reply_to(flows.path(7));
    auto other = good;
    other.from_port = 5001;
    CHECK_FALSE(flows.flow_of_reply(other));
    other = good;
    ++other.from;
    CHECK_FALSE(flows.flow_of_reply(other));
    other = good;
    other.to = 0x0a0100fb;
    CHECK_FALSE(flows.flow_of_reply(other));
    CHECK(flows.is_mine(other.to));
    other.to = 0x0a020001;
    CHECK_FALSE(flows.is_mine(other.to));
    other = good;
    other.to_port = 1023;
    CHECK_FALSE(flows.flow_of_reply(other));
}

TEST_CASE("a plan sends in turn, and when datagrams are due") {
    const packet::Plan plan{.rate = 1000, .count = 10, .flows = 3};
    CHECK(plan.flow(2) == 2);
    CHECK(plan.flow(3) == 0);
    CHECK(plan.due(0) == 0);
    CHECK(plan.due(5) == 5'000'000);
    CHECK_FALSE(plan.is_over(9, 1'000'000'000));
    CHECK(plan.is_over(10, 0));
}

TEST_CASE("a train has one flow and one due time") {
    const packet::Plan plan{.rate = 1000, .count = 100, .flows = 3, .train = 10};
    CHECK(plan.flow(9) == 0);
    CHECK(plan.flow(10) == 1);
    CHECK(plan.flow(30) == 0);
    CHECK(plan.due(9) == 0);
    CHECK(plan.due(19) == 10'000'000);
}

TEST_CASE("without flows each datagram has a new one, without a rate all are due at once") {
    const packet::Plan plan{.rate = 0, .count = 100, .end = 50, .flows = 0};
    CHECK(plan.flow(99) == 99);
    CHECK(plan.due(99) == 0);
    CHECK_FALSE(plan.is_over(99, 49));
    CHECK(plan.is_over(99, 50));
}
