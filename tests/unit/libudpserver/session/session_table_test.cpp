#include "libudpserver/session/session_table.hpp"

#include <catch2/catch.hpp>
#include <random>
#include <unordered_map>

#include "libudpserver/session/record.hpp"

using namespace session;

namespace {

constexpr base::SipKey fixed{1, 2};

base::Endpoint v4(std::uint32_t address, std::uint16_t port) {
    base::Endpoint endpoint;
    endpoint.family = base::Family::v4;
    for (std::size_t i = 0; i < 4; ++i)
        endpoint.bytes[i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    endpoint.port = port;
    return endpoint;
}

Record record_of(const base::Endpoint& client, std::uint16_t listener = 0,
                 const char* local = "10.0.1.1:53") {
    Record record;
    record.client = client;
    record.listener = listener;
    record.local = *base::parse_endpoint(local);
    return record;
}

}  // namespace

TEST_CASE("two ports of one client are two sessions, and so are two listeners [K-31]") {
    const SessionKey key = SessionKey::of(record_of(v4(1, 4000)), false);
    CHECK(key == SessionKey::of(record_of(v4(1, 4000)), false));
    CHECK_FALSE(key == SessionKey::of(record_of(v4(1, 4001)), false));
    CHECK_FALSE(key == SessionKey::of(record_of(v4(2, 4000)), false));
    CHECK_FALSE(key == SessionKey::of(record_of(v4(1, 4000), 1), false));
}

TEST_CASE("the local address is part of the key on a wildcard listener only [K-31][K-44]") {
    const Record a = record_of(v4(1, 4000), 0, "10.0.1.1:53");
    const Record b = record_of(v4(1, 4000), 0, "10.0.1.2:53");
    CHECK(SessionKey::of(a, false) == SessionKey::of(b, false));
    CHECK_FALSE(SessionKey::of(a, true) == SessionKey::of(b, true));
    CHECK(SessionKey::of(a, false).local.family == base::Family::none);
    const KeyHash hash(fixed);
    CHECK(hash(SessionKey::of(a, true)) != hash(SessionKey::of(b, true)));
    CHECK(hash(SessionKey::of(a, true)) != hash(SessionKey::of(a, false)));
}

TEST_CASE("the hash depends on a secret of its own for each start [O-18]") {
    const SessionKey key = SessionKey::of(record_of(v4(1, 4000)), false);
    CHECK(KeyHash(fixed)(key) == KeyHash(fixed)(key));
    CHECK(KeyHash(fixed)(key) != KeyHash(base::SipKey{1, 3})(key));
    CHECK(KeyHash()(key) != KeyHash()(key));
}

TEST_CASE("the table has room for four times the sessions, and refuses more than its capacity [O-19][O-21]") {
    std::vector<Record> records;
    for (std::uint32_t i = 0; i < 4; ++i)
        records.push_back(record_of(v4(i, 1)));
    SessionTable table(records, {}, 3);
    CHECK(table.buckets() == 16);
    for (Slot slot = 0; slot < 3; ++slot)
        table.insert(table.key_of(records[slot]), slot);
    CHECK_THROWS_AS(table.insert(table.key_of(records[3]), 3), std::logic_error);
    CHECK(table.size() == 3);
    for (Slot slot = 0; slot < 3; ++slot)
        CHECK(table.find(table.key_of(records[slot])) == slot);
    CHECK(table.find(table.key_of(records[3])) == none);
}

TEST_CASE("only the right slot of a key is taken out, and only once [O-38]") {
    std::vector<Record> records{record_of(v4(1, 1)), record_of(v4(1, 1)), record_of(v4(2, 1))};
    SessionTable table(records, {}, 3);
    table.insert(table.key_of(records[0]), 0);
    CHECK_FALSE(table.erase(table.key_of(records[0]), 1));
    CHECK_FALSE(table.erase(table.key_of(records[2]), 0));
    CHECK_FALSE(table.erase(table.key_of(records[0]), none));
    CHECK(table.size() == 1);
    CHECK(table.erase(table.key_of(records[0]), 0));
    CHECK_FALSE(table.erase(table.key_of(records[0]), 0));
    CHECK(table.size() == 0);
}

TEST_CASE("the table agrees with a map over random inserts, erases and look-ups [O-18]") {
    // Few buckets and many erases, so that runs of entries wrap around the end and shift back often.
    constexpr std::size_t capacity = 64, keys = 256;
    std::vector<Record> records(keys);
    for (std::uint32_t i = 0; i < keys; ++i)
        records[i] = record_of(v4(i % 16, static_cast<std::uint16_t>(i)));
    SessionTable table(records, {}, capacity);
    std::unordered_map<Slot, bool> model;
    std::mt19937 random(7);
    for (int step = 0; step < 200'000; ++step) {
        const auto slot = static_cast<Slot>(random() % keys);
        const SessionKey key = table.key_of(records[slot]);
        const bool present = model.contains(slot);
        REQUIRE(table.find(key) == (present ? slot : none));
        if (random() % 2 == 0) {
            REQUIRE(table.erase(key, slot) == present);
            model.erase(slot);
        } else if (!present && model.size() < capacity) {
            table.insert(key, slot);
            model[slot] = true;
        }
        REQUIRE(table.size() == model.size());
    }
    for (Slot slot = 0; slot < keys; ++slot)
        CHECK(table.find(table.key_of(records[slot])) == (model.contains(slot) ? slot : none));
}

TEST_CASE("chosen addresses cannot make chains long at full capacity [O-18]") {
    constexpr std::size_t capacity = 1 << 16;
    const auto client = [](int pattern, std::uint32_t i) {
        if (pattern == 0) return v4(0x0a000001, static_cast<std::uint16_t>(i));  // one host, all its ports
        if (pattern == 1) return v4(i << 16, 53);                                // only high bits differ
        return v4(i * 0x9e3779b1u, 53);
    };
    for (int pattern = 0; pattern < 3; ++pattern) {
        std::vector<Record> records(capacity);
        for (std::uint32_t i = 0; i < capacity; ++i)
            records[i] = record_of(client(pattern, i));
        SessionTable table(records, {}, capacity, KeyHash(fixed));
        for (Slot slot = 0; slot < capacity; ++slot)
            table.insert(table.key_of(records[slot]), slot);
        CHECK(table.size() == capacity);
        CHECK(table.max_probe() <= 32);
    }
}
