#include "libudpserver/session/waiting_openers.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using session::SessionKey;
using session::WaitingOpeners;

namespace {

const base::Instant start{1h};

SessionKey key(std::uint16_t port, std::uint16_t listener = 0) {
    return {.client = {*base::parse_address("192.0.2.1"), port}, .local = {}, .listener = listener};
}

std::vector<std::uint16_t> ports(const WaitingOpeners::List& waiters) {
    std::vector<std::uint16_t> result;
    for (const auto& waiter : waiters)
        result.push_back(waiter.key.client.port);
    return result;
}

}  // namespace

TEST_CASE("waiters are found by client and listener, and are bounded [K-58]") {
    session::HoldBudget budget({.sessions = 2}, 1);
    WaitingOpeners waiting(budget);
    CHECK(waiting.empty());
    waiting.add(key(1), start);
    CHECK(!waiting.full());
    waiting.add(key(1, 5), start);
    CHECK(waiting.full());
    CHECK(waiting.find(key(1)) != waiting.find(key(1, 5)));
    CHECK(waiting.find(key(2)) == nullptr);
    waiting.remove(key(1));
    waiting.remove(key(7));
    CHECK(waiting.find(key(1)) == nullptr);
    CHECK(waiting.size() == 1);
}

TEST_CASE("those who are ready, or overdue, come out in their order, the others stay") {
    session::HoldBudget budget({}, 1);
    WaitingOpeners waiting(budget);
    for (std::uint16_t port = 1; port <= 5; ++port)
        waiting.add(key(port), start + port * 1s);
    CHECK(waiting.next_deadline() == start + 1s);
    CHECK(ports(waiting.take([](const auto& waiter) { return waiter.key.client.port % 2 == 0; })) ==
          std::vector<std::uint16_t>{2, 4});
    CHECK(waiting.find(key(2)) == nullptr);
    CHECK(waiting.take_overdue(start).empty());
    CHECK(ports(waiting.take_overdue(start + 3s)) == std::vector<std::uint16_t>{1, 3});
    CHECK(waiting.find(key(3)) == nullptr);
    CHECK(waiting.next_deadline() == start + 5s);
    CHECK(ports(waiting.take_overdue(start + 1h)) == std::vector<std::uint16_t>{5});
    CHECK(!waiting.next_deadline());
}
