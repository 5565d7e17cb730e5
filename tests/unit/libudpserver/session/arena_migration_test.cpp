#include "libudpserver/session/arena_migration.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using session::PoolEntry;
using session::Record;
using session::Slot;
using session::State;

namespace {

constexpr std::uint32_t seed_of_steering = 7;
const net::Steering steering(seed_of_steering);

session::Division among(unsigned workers) {
    return {steering, workers};
}

/// A port of the nameless client that belongs to this one of `workers`; the n-th.
std::uint16_t port_of(unsigned worker, unsigned workers, unsigned n) {
    for (std::uint16_t port = 1;; ++port) {
        base::Endpoint client;
        client.port = port;
        if (steering.worker_of(client, workers) == worker && n-- == 0) return port;
    }
}

/// The tables of an arena without an arena.
struct Tables {
    std::vector<Record> records;
    std::vector<PoolEntry> pool;
    std::vector<session::Totals> totals{session::max_workers};
    std::vector<session::RefusedClient> refused{2};

    Tables(std::size_t sessions, std::size_t sockets) : records(sessions), pool(sockets) {}
    session::ArenaTables view() { return {records, pool, totals, refused}; }

    void open(Slot slot, Slot socket, bool answered, std::uint16_t port) {
        Record& record = records[slot];
        record.state = State::open;
        record.generation = 40 + slot;
        record.socket = session::SocketIndex{socket};
        record.client.port = port;
        record.counters.server_datagrams = answered ? 1 : 0;
        pool[socket].state = PoolEntry::State::leased;
        pool[socket].session = slot;
    }
    std::multiset<std::uint16_t> ports() const {
        std::multiset<std::uint16_t> found;
        for (const Record& record : records)
            if (record.state != State::free) found.insert(record.client.port);
        return found;
    }
    /// Each session's socket is its own, and no other socket belongs to anybody.
    bool consistent() const {
        std::size_t owned = 0;
        for (Slot slot = 0; slot < records.size(); ++slot) {
            if (records[slot].state == State::free) continue;
            if (pool[index_of(records[slot].socket)].session != slot) return false;
            ++owned;
        }
        return owned == static_cast<std::size_t>(std::ranges::count_if(pool, [](const PoolEntry& entry) {
                   return entry.state == PoolEntry::State::leased && entry.session != session::none;
               }));
    }
};

}  // namespace

TEST_CASE("refused clients are refused in the new arena too") {
    Tables from(1, 1), to(2, 2);
    from.refused[1].client = *base::parse_address("10.0.0.1");
    const auto steering = net::Steering::random();
    static_cast<void>(session::migrate(from.view(), to.view(), {steering, 1}));
    CHECK(to.refused[1].client == from.refused[1].client);
}

TEST_CASE("in a larger arena every session keeps its place, generation and socket") {
    Tables from(4, 8), to(9, 20);
    for (Slot slot = 0; slot < 4; ++slot)
        from.open(slot, 7 - slot, slot % 2 == 0, static_cast<std::uint16_t>(100 + slot));
    from.totals[3].created.set(77);
    CHECK(session::migrate(from.view(), to.view(), among(1)).empty());
    for (Slot slot = 0; slot < 4; ++slot) {
        CHECK(to.records[slot].client.port == 100 + slot);
        CHECK(to.records[slot].generation == 40 + slot);
    }
    CHECK(to.ports().size() == 4);
    CHECK(to.consistent());
    CHECK(to.totals[3].created.get() == 77);
}

TEST_CASE("in a smaller one those behind the end move, answered ones first, the others are returned") {
    Tables from(8, 8), to(4, 8);
    for (const Slot slot : {1u, 3u, 5u, 6u, 7u})
        from.open(slot, slot, slot != 1 && slot != 5, static_cast<std::uint16_t>(100 + slot));
    from.records[0].generation = 9;
    const auto leftovers = session::migrate(from.view(), to.view(), among(1));
    REQUIRE(leftovers.size() == 1);
    CHECK(leftovers[0].slot == 5);
    CHECK(leftovers[0].record.client.port == 105);
    CHECK(to.ports() == std::multiset<std::uint16_t>{101, 103, 106, 107});
    CHECK(to.records[1].client.port == 101);
    CHECK(to.records[3].client.port == 103);
    CHECK(to.consistent());
    CHECK(to.pool[5].state == PoolEntry::State::leased);
    CHECK(to.pool[5].session == session::none);
}

TEST_CASE("a place that was free continues to count its sessions; idle sockets keep their quarantine") {
    Tables from(4, 4), to(6, 6);
    from.records[2].generation = 12;
    from.pool[1].quarantined_until = session::Instant(std::chrono::seconds(5));
    to.records[5].state = State::open;  // left by a REG that died in the middle
    session::migrate(from.view(), to.view(), among(1));
    CHECK(to.records[2].generation == 12);
    CHECK(to.records[2].state == State::free);
    CHECK(to.records[5].state == State::free);
    CHECK(to.pool[1].quarantined_until == session::Instant(std::chrono::seconds(5)));
}

TEST_CASE("each worker's sessions stay its own") {
    Tables from(10, 10), to(6, 10);
    for (Slot slot = 0; slot < 10; ++slot)
        from.open(slot, slot, true, port_of(slot / 5, 2, slot));
    CHECK(session::migrate(from.view(), to.view(), among(2)).size() == 4);
    for (Slot slot = 0; slot < 6; ++slot) {
        CHECK(steering.worker_of(to.records[slot].client, 2) == slot / 3);
        CHECK(to.records[slot].worker == slot / 3);
    }
    CHECK(to.consistent());
}

TEST_CASE("with another number of workers each session belongs to its client's") {
    const unsigned before = GENERATE(1u, 2u, 5u), after = GENERATE(1u, 3u, 4u);
    constexpr std::size_t sessions = 200;
    Tables from(session::places_for(sessions, before), 2 * sessions),
        to(session::places_for(sessions, after), 2 * sessions);
    std::vector<Slot> next;
    for (unsigned worker = 0; worker < before; ++worker)
        next.push_back(session::first_slot(from.records.size(), worker, before));
    for (std::uint16_t port = 1; port <= sessions; ++port) {
        base::Endpoint client;
        client.port = port;
        const unsigned worker = steering.worker_of(client, before);
        from.records[next[worker]].worker = static_cast<std::uint8_t>(worker);
        from.open(next[worker]++, port, true, port);
    }
    for (unsigned worker = 0; worker < before; ++worker)
        from.totals[worker].open.set(9);
    CHECK(session::migrate(from.view(), to.view(), among(after)).empty());
    CHECK(to.ports() == from.ports());
    CHECK(to.consistent());
    for (unsigned worker = 0; worker < after; ++worker) {
        const Slot end = session::first_slot(to.records.size(), worker + 1, after);
        for (Slot slot = session::first_slot(to.records.size(), worker, after); slot < end; ++slot) {
            if (to.records[slot].state == State::free) continue;
            CHECK(to.records[slot].worker == worker);
            CHECK(steering.worker_of(to.records[slot].client, after) == worker);
        }
    }
    for (unsigned worker = after; worker < session::max_workers; ++worker)
        CHECK(to.totals[worker].open.get() == 0);
}

TEST_CASE("a session that moves gets an id that no session has had") {
    Tables from(4, 4), to(2, 4);
    from.open(3, 3, true, 1);
    from.records[0].generation = 90;  // ended
    CHECK(session::migrate(from.view(), to.view(), among(1)).empty());
    REQUIRE(to.records[0].state == State::open);
    CHECK(to.records[0].generation == 91);
}

TEST_CASE("places that go and come again begin above all ids that there were") {
    Tables large(6, 6), small(2, 6), again(6, 6);
    large.records[5].generation = 70;  // ended
    session::migrate(large.view(), small.view(), among(1));
    small.records[0].generation = 3;
    session::migrate(small.view(), again.view(), among(1));
    CHECK(again.records[5].generation >= 70);
    CHECK(again.records[0].generation == 3);
}

TEST_CASE("garbage is carried over or returned, never followed", "[fuzz]") {
    std::uint32_t seed = 1;
    const auto random = [&seed] { return seed = seed * 1664525 + 1013904223; };
    for (int round = 0; round < 300; ++round) {
        Tables from(8, 6), to(1 + random() % 12, 6 + random() % 4);
        for (Record& record : from.records) {
            record.state = static_cast<State>(random() >> 29);
            record.socket = session::SocketIndex{static_cast<std::uint32_t>(random() >> 28)};
        }
        for (PoolEntry& entry : from.pool) {
            entry.state = static_cast<PoolEntry::State>(random() >> 30);
            entry.session = random() >> 28;
        }
        const unsigned workers = 1 + (random() >> 30);
        const auto used = static_cast<std::size_t>(
            std::ranges::count_if(from.records, [](const Record& r) { return r.state != State::free; }));
        const auto leftovers = session::migrate(from.view(), to.view(), among(workers));
        CHECK(to.ports().size() + leftovers.size() == used);
    }
}

TEST_CASE("an arena is filled once, from the newest complete one, and the older ones are let go of") {
    std::vector<session::Arena> older;
    for (int i = 0; i < 3; ++i)
        older.push_back(session::Arena::create(
            4, 4, i == 2 ? session::Arena::Content::awaited : session::Arena::Content::complete));
    for (std::uint16_t i = 0; i < 3; ++i) {
        older[i].map();
        older[i].records()[0].state = State::open;
        older[i].records()[0].client.port = i;
    }
    session::Arena current = session::Arena::create(6, 6, session::Arena::Content::awaited);
    CHECK(session::take_over(current, older, among(1)).empty());
    CHECK(older.empty());
    CHECK(current.complete());
    CHECK(current.records()[0].client.port == 1);  // 2 was never taken over itself
    older.push_back(session::Arena::create(4, 4));
    current.records()[0].client.port = 55;
    session::take_over(current, older, among(1));
    CHECK(current.records()[0].client.port == 55);
}

TEST_CASE("a new arena is complete unless it waits for its sessions") {
    session::Arena awaited = session::Arena::create(1, 1, session::Arena::Content::awaited);
    session::Arena complete = session::Arena::create(1, 1);
    awaited.map();
    complete.map();
    CHECK_FALSE(awaited.complete());
    CHECK(complete.complete());
    awaited.mark_complete();
    CHECK(awaited.complete());
}
