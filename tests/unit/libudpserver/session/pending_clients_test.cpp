#include "libudpserver/session/pending_clients.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using session::CloseReason;
using session::PendingClients;
using session::SessionKey;

namespace {

const base::Instant start{1h};

SessionKey key(std::uint16_t port, std::uint16_t listener = 0) {
    return {.client = {*base::parse_address("192.0.2.1"), port}, .local = {}, .listener = listener};
}

/// At most `max` clients, each for a second.
struct Pending {
    explicit Pending(std::uint32_t max = 4096, unsigned source_share = 100)
        : budget{{.sessions = max}, 1}, clients{1s, source_share, budget, {}, reports} {}
    bool park(const SessionKey& client, base::Instant now = start) {
        return try_to_park(client, now) == CloseReason::none;
    }
    CloseReason try_to_park(const SessionKey& client, base::Instant now = start) {
        return clients.park(client, client.listener, {.from = client.client}, {}, now);
    }

    conf::Config config;
    session::HoldBudget budget;
    session::Totals totals;
    session::SessionReports reports{config, totals, 0, 8};
    PendingClients clients;
};

std::vector<std::uint16_t> ports(const PendingClients::List& clients) {
    std::vector<std::uint16_t> result;
    for (const auto& client : clients)
        result.push_back(client.key.client.port);
    return result;
}

}  // namespace

TEST_CASE("pending clients are found by client and listener, and are bounded [K-58]") {
    Pending pending(2);
    PendingClients& clients = pending.clients;
    CHECK(clients.size() == 0);
    CHECK(pending.park(key(1)));
    CHECK(clients.room_for(key(9).client.address(), {}) == CloseReason::none);
    CHECK(pending.park(key(1, 5)));
    CHECK(clients.room_for(key(9).client.address(), {}) == CloseReason::resolve_failure);
    CHECK(!pending.park(key(2)));
    CHECK(clients.find(key(1)) != clients.find(key(1, 5)));
    CHECK(clients.find(key(2)) == nullptr);
    clients.remove(key(1));
    clients.remove(key(7));
    CHECK(clients.find(key(1)) == nullptr);
    CHECK(clients.size() == 1);
}

TEST_CASE("clients that are ready, or overdue, come out in their order, the others stay") {
    Pending pending;
    PendingClients& clients = pending.clients;
    for (std::uint16_t port = 1; port <= 5; ++port)
        REQUIRE(pending.park(key(port), start + (port - 1) * 1s));
    CHECK(clients.next_deadline() == start + 1s);
    CHECK(ports(clients.take([](const auto& client) { return client.key.client.port % 2 == 0; })) ==
          std::vector<std::uint16_t>{2, 4});
    CHECK(clients.find(key(2)) == nullptr);
    CHECK(clients.take_overdue(start).empty());
    CHECK(ports(clients.take_overdue(start + 3s)) == std::vector<std::uint16_t>{1, 3});
    CHECK(clients.find(key(3)) == nullptr);
    CHECK(clients.next_deadline() == start + 5s);
    CHECK(ports(clients.take_overdue(start + 1h)) == std::vector<std::uint16_t>{5});
    CHECK(!clients.next_deadline());
}

TEST_CASE("one address has its share of the room for waiting, and its place comes back [B-2]") {
    Pending pending(100, 25);
    for (std::uint16_t port = 1; port <= 25; ++port)
        REQUIRE(pending.park(key(port)));
    CHECK(pending.try_to_park(key(26)) == CloseReason::source_limited);
    SessionKey other = key(1);
    other.client = {*base::parse_address("192.0.2.2"), 1};
    CHECK(pending.park(other));
    switch (GENERATE(0, 1, 2)) {
        case 0:
            pending.clients.remove(key(1));
            break;
        case 1:
            pending.clients.take([](const auto& client) { return client.key == key(1); });
            break;
        default:
            CHECK(pending.clients.take_overdue(start + 1s).size() == 26);
            for (std::uint16_t port = 2; port <= 25; ++port)
                REQUIRE(pending.park(key(port)));
    }
    CHECK(pending.park(key(26)));
    CHECK(pending.try_to_park(key(27)) == CloseReason::source_limited);
}

TEST_CASE("one address has its share of the memory for waiting [B-2]") {
    conf::Hold hold;
    hold.memory = 1u << 20;
    Pending pending(1000, 25);
    session::HoldBudget budget(hold, 1);
    PendingClients clients(1s, 25, budget, {}, pending.reports);
    std::vector<std::byte> payload(50'000);
    std::size_t held = 0;
    for (std::uint16_t port = 1; port <= 20; ++port)
        held += clients.park(key(port), 0, {.payload = payload, .from = key(port).client}, {}, start) ==
                CloseReason::none;
    CHECK(held == 6);  // the sixth passes the quarter
    CHECK(!clients.append(key(99), 0, {.payload = payload, .from = key(99).client}, start));
    CHECK(clients.park({.client = {*base::parse_address("192.0.2.2"), 1}, .local = {}, .listener = 0}, 0,
                       {.payload = payload, .from = {*base::parse_address("192.0.2.2"), 1}}, {},
                       start) == CloseReason::none);
}
