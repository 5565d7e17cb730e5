#include "libudpserver/session/event_log.hpp"

#include <catch2/catch.hpp>

#include "libudpserver/session/opener.hpp"

using namespace session;

namespace {

Instant at(int ms) {
    return Instant{Duration{ms}};
}

Record record_of(const char* client) {
    Record record;
    record.client = *base::parse_endpoint(client);
    record.generation = 7;
    record.reason = CloseReason::idle;
    return record;
}

base::Endpoint endpoint(const char* text) {
    return *base::parse_endpoint(text);
}

}  // namespace

TEST_CASE("the event log tells what happened from one moment up to another, in its order [K-70]") {
    EventLog event_log;
    event_log.record_open(record_of("10.0.0.1:1"), 3, at(10));
    event_log.refused(endpoint("10.0.0.2:1"), endpoint("10.0.1.1:53"), CloseReason::acl, {}, at(11));
    event_log.record_close(record_of("10.0.0.1:1"), 3, at(12));
    const auto events = event_log.between(at(10), at(12), 100);
    REQUIRE(events.size() == 2);
    CHECK(events[0].kind == Event::Kind::opened);
    CHECK(events[0].slot == 3);
    CHECK(events[0].generation == 7);
    CHECK(events[1].kind == Event::Kind::refused);
    CHECK_FALSE(events[1].rule);
    CHECK(event_log.between(at(12), at(13), 100).at(0).reason == CloseReason::idle);
    CHECK(event_log.between(at(13), at(99), 100).empty());
}

TEST_CASE("of too many events the oldest are reported first") {
    EventLog event_log;
    for (int i = 0; i < 10; ++i)
        event_log.record_open(record_of("10.0.0.1:1"), static_cast<Slot>(i), at(i));
    const auto events = event_log.between(at(0), at(99), 3);
    REQUIRE(events.size() == 3);
    CHECK(events.back().slot == 2);
}

TEST_CASE("the event_log has a fixed size and forgets the oldest, refusals by themselves") {
    EventLog event_log;
    event_log.record_open(record_of("10.0.0.1:1"), 1, at(1));
    for (std::size_t i = 0; i < EventLog::refusals_kept + 5; ++i) {
        const base::Endpoint client(*base::parse_address("10.0.0.9"), static_cast<std::uint16_t>(i + 1));
        event_log.refused(client, endpoint("10.0.1.1:53"), CloseReason::acl, 4, at(2));
    }
    CHECK(event_log.between(at(0), at(2), 10).size() == 1);
    const auto refusals = event_log.refusals({}, 10'000);
    REQUIRE(refusals.size() == EventLog::refusals_kept);
    CHECK(refusals.front().client.port == EventLog::refusals_kept + 5);
    CHECK(refusals.back().client.port == 6);
    CHECK(refusals.front().rule == 4);
    for (std::size_t i = 0; i < EventLog::sessions_kept; ++i)
        event_log.record_close(record_of("10.0.0.2:1"), 2, at(3));
    CHECK(event_log.between(at(0), at(2), 10).empty());
}

TEST_CASE("the event_log knows since when it has forgotten nothing [O-49]") {
    EventLog event_log;
    CHECK(event_log.has_all_since(at(1)));
    for (int i = 1; i <= static_cast<int>(EventLog::refusals_kept); ++i)
        event_log.refused(endpoint("10.0.0.2:1"), endpoint("10.0.1.1:53"), CloseReason::acl, {}, at(i));
    CHECK(event_log.has_all_since(at(1)));
    event_log.refused(endpoint("10.0.0.2:1"), endpoint("10.0.1.1:53"), CloseReason::acl, {}, at(999));
    CHECK_FALSE(event_log.has_all_since(at(1)));
    CHECK(event_log.has_all_since(at(2)));
}

TEST_CASE("refusals of one client are those of its address, whatever the port [K-70]") {
    EventLog event_log;
    event_log.refused(endpoint("10.0.0.1:1"), endpoint("10.0.1.1:53"), CloseReason::acl, {}, at(1));
    event_log.refused(endpoint("10.0.0.2:1"), endpoint("10.0.1.1:53"), CloseReason::acl, {}, at(2));
    event_log.refused(endpoint("10.0.0.1:2"), endpoint("10.0.1.1:53"), CloseReason::no_socket, {}, at(3));
    const auto refusals = event_log.refusals(base::parse_address("10.0.0.1"), 10);
    REQUIRE(refusals.size() == 2);
    CHECK(refusals[0].reason == CloseReason::no_socket);
    CHECK(event_log.refusals(base::parse_address("10.0.0.1"), 1).size() == 1);
}

TEST_CASE("a REG continues the refusals of the last one, whatever that left in the arena") {
    std::vector<RefusedClient> kept(4);
    const auto one = *base::parse_address("10.0.0.1"), two = *base::parse_address("2001:db8::1");
    {
        RefusedClients refused(kept, true);
        CHECK(refused.add(one, at(10), at(0)));
        CHECK(refused.add(two, at(20), at(0)));
    }
    kept[2].until = at(99);  // without an address
    kept[3].client.family = static_cast<base::Family>(77);
    RefusedClients next(kept, true), reader(kept);
    for (const RefusedClients* refused : {&next, &reader}) {
        CHECK(refused->contain(one, at(9)));
        CHECK_FALSE(refused->contain(one, at(10)));
        CHECK(refused->contain(two, at(19)));
        CHECK_FALSE(refused->contain(kept[3].client, at(0)));
    }
    const auto three = *base::parse_address("10.0.0.3");
    CHECK(reader.add(three, at(30), at(10)));  // another worker
    CHECK_FALSE(RefusedClients(kept).contain(three, at(29)));
    CHECK(next.add(three, at(30), at(10)));
    CHECK(RefusedClients(kept).contain(three, at(29)));
    CHECK_FALSE(RefusedClients(kept).contain(one, at(0)));  // its time was over
}

TEST_CASE("clients are refused for their time, and no more of them than there is room for") {
    RefusedClients refused;
    const auto client = *base::parse_address("10.0.0.1");
    CHECK(refused.add(client, at(10), at(0)));
    CHECK(refused.contain(client, at(9)));
    CHECK_FALSE(refused.contain(client, at(10)));
    CHECK_FALSE(refused.contain(*base::parse_address("10.0.0.2"), at(9)));
    CHECK(refused.add(client, at(20), at(1)));  // once more is longer, not twice
    for (std::uint32_t i = 1; i < RefusedClients::capacity; ++i) {
        base::Address other = *base::parse_address("10.1.0.0");
        other.bytes[2] = static_cast<std::uint8_t>(i >> 8);
        other.bytes[3] = static_cast<std::uint8_t>(i);
        CHECK(refused.add(other, at(20), at(1)));
    }
    CHECK_FALSE(refused.add(*base::parse_address("10.2.0.0"), at(20), at(1)));
    CHECK(refused.add(*base::parse_address("10.2.0.0"), at(40), at(20)));  // the others' time is over
}
