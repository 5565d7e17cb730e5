#include "libudpserver/session/pending_clients.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using session::PendingClients;
using session::SessionKey;

namespace {

const base::Instant start{1h};

SessionKey key(std::uint16_t port, std::uint16_t listener = 0) {
    return {.client = {*base::parse_address("192.0.2.1"), port}, .local = {}, .listener = listener};
}

/// At most `max` clients, each for a second.
struct Pending {
    explicit Pending(std::uint32_t max = 4096) : budget{{.sessions = max}, 1} {}
    bool park(const SessionKey& client, base::Instant now = start) {
        return clients.park(client, client.listener, {.from = client.client}, {}, now);
    }

    conf::Config config;
    session::HoldBudget budget;
    session::Totals totals;
    session::SessionReports reports{config, totals, 0, 8};
    PendingClients clients{1s, budget, {}, reports};
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
    CHECK(!clients.is_full());
    CHECK(pending.park(key(1, 5)));
    CHECK(clients.is_full());
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
