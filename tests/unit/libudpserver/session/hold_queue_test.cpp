#include "libudpserver/session/hold_queue.hpp"

#include <catch2/catch.hpp>
#include <string>

using session::HoldBudget;
using session::HoldQueue;

namespace {

struct Sent {
    explicit Sent(std::string text) : payload(std::move(text)) {
        datagram.payload = std::as_writable_bytes(std::span(payload));
        datagram.from = *base::parse_endpoint("192.0.2.1:4000");
        datagram.local = *base::parse_endpoint("10.0.0.1:53");
        datagram.tos = 0xb9;
    }
    std::string payload;
    net::Datagram datagram;
};

std::string text_of(const HoldQueue::Held& held) {
    return {reinterpret_cast<const char*>(held.payload.data()), held.payload.size()};
}

bool push(HoldQueue& queue, const std::string& text) {
    return queue.push(3, Sent(text).datagram);
}

}  // namespace

TEST_CASE("a queue keeps copies of datagrams, in their order [K-58]") {
    HoldBudget budget({}, 1);
    HoldQueue queue(budget);
    REQUIRE(push(queue, "one"));
    REQUIRE(push(queue, ""));
    REQUIRE(push(queue, "three"));
    REQUIRE(queue.size() == 3);
    HoldQueue::Held first = queue.pop();
    CHECK(text_of(first) == "one");
    const net::Datagram copy = first.datagram();
    CHECK(copy.from == *base::parse_endpoint("192.0.2.1:4000"));
    CHECK(copy.local == *base::parse_endpoint("10.0.0.1:53"));
    CHECK(copy.tos == 0xb9);
    CHECK(first.listener == 3);
    CHECK(text_of(queue.pop()).empty());
    CHECK(text_of(queue.pop()) == "three");
    CHECK(queue.empty());
    CHECK(budget.used() == 0);
}

TEST_CASE("a queue is bounded in datagrams and in bytes [K-58]") {
    HoldBudget budget({.datagrams = 16, .bytes = 100}, 1);
    HoldQueue queue(budget);
    SECTION("the 17th datagram") {
        for (int i = 0; i < 16; ++i)
            REQUIRE(push(queue, "x"));
        CHECK(!push(queue, ""));
        queue.pop();
        CHECK(push(queue, ""));
    }
    SECTION("the 101st byte") {
        REQUIRE(push(queue, std::string(60, 'x')));
        CHECK(!push(queue, std::string(41, 'x')));
        CHECK(push(queue, std::string(40, 'x')));
        CHECK(!push(queue, "x"));
        CHECK(push(queue, ""));
    }
    SECTION("one that is larger by itself") {
        CHECK(!push(queue, std::string(101, 'x')));
        CHECK(queue.empty());
    }
}

TEST_CASE("the memory of all queues together is bounded, empty datagrams cost too") {
    HoldBudget budget({.datagrams = 1000, .memory = 1000}, 1);
    HoldQueue first(budget);
    std::size_t held = 0;
    while (push(first, ""))
        ++held;
    CHECK(held > 0);
    CHECK(held < 50);
    HoldQueue second(budget);
    CHECK(!push(second, ""));
    first.pop();
    CHECK(push(second, ""));
}

TEST_CASE("what a queue held is given back when it goes, or is cut meanwhile, and moved only once") {
    HoldBudget budget({}, 1);
    {
        HoldQueue queue(budget);
        REQUIRE(push(queue, "one"));
        REQUIRE(push(queue, "two"));
        queue.front().payload.resize(1);
        HoldQueue moved(std::move(queue));
        CHECK(moved.size() == 2);
        moved.pop();
        CHECK(budget.used() > 0);
    }
    CHECK(budget.used() == 0);
}

TEST_CASE("workers share what is configured, rounded up") {
    const HoldBudget budget({.datagrams = 5, .sessions = 10, .memory = 1000}, 4);
    CHECK(budget.sessions() == 3);
    CHECK(budget.datagrams() == 5);
    HoldBudget of_one({.memory = 1000}, 4);
    CHECK(of_one.take(250));
    CHECK(!of_one.take(1));
    of_one.give(250);
}
