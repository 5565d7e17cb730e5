#include <catch2/catch.hpp>

#include "libudpserver/session/session_filter.hpp"

using namespace session;

namespace {

bool matches(const char* filter, const char* endpoint) {
    const auto parsed = EndpointFilter::parse(filter);
    REQUIRE(parsed);
    return parsed->matches(*base::parse_endpoint(endpoint));
}

Record record_of(const char* client) {
    Record record;
    record.client = *base::parse_endpoint(client);
    record.local = *base::parse_endpoint("10.0.1.1:53");
    record.server = *base::parse_endpoint("192.0.2.53:5353");
    record.created = Instant{std::chrono::seconds(100)};
    record.last_client = record.created + std::chrono::seconds(5);
    record.last_server = record.created + std::chrono::seconds(8);
    return record;
}

constexpr Instant later{std::chrono::seconds(110)};

}  // namespace

TEST_CASE("a filter of hosts means a network, an address, or one port of it [K-70]") {
    CHECK(matches("10.0.0.0/8", "10.255.255.255:1"));
    CHECK_FALSE(matches("10.0.0.0/8", "11.0.0.0:1"));
    CHECK(matches("10.1.2.3", "10.1.2.3:1"));
    CHECK_FALSE(matches("10.1.2.3", "10.1.2.4:1"));
    CHECK(matches("10.1.2.3:53", "10.1.2.3:53"));
    CHECK_FALSE(matches("10.1.2.3:53", "10.1.2.3:54"));
    CHECK(matches("2001:db8::/32", "[2001:db8:ffff::1]:9"));
    CHECK(matches("[2001:db8::1]:53", "[2001:db8::1]:53"));
    CHECK_FALSE(matches("0.0.0.0/0", "[::1]:53"));
    CHECK(matches("10.1.2.3/8", "10.9.9.9:1"));  // bits outside the mask mean nothing
    CHECK(matches("::/0", "[::1]:53"));
}

TEST_CASE("what is no host is no filter") {
    for (const char* text : {"", "/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8x", "host",
                             "10.0.0.1:99999", "::/129"})
        CHECK_FALSE(EndpointFilter::parse(text));
}

TEST_CASE("a session is meant when everything agrees that is asked for [K-70]") {
    const Record record = record_of("10.1.2.3:4000");
    CHECK(SessionFilter{}.matches(record, later));
    SessionFilter filter;
    filter.client = EndpointFilter::parse("10.0.0.0/8");
    filter.server = EndpointFilter::parse("192.0.2.53:5353");
    filter.local = EndpointFilter::parse("10.0.1.1");
    CHECK(filter.matches(record, later));
    filter.rule = 1;
    CHECK_FALSE(filter.matches(record, later));
    filter.rule = 0;
    filter.listener = 0;
    filter.type = conf::SessionType::normal;
    CHECK(filter.matches(record, later));
    filter.answered = true;
    CHECK_FALSE(filter.matches(record, later));
    filter.answered = false;
    CHECK(filter.matches(record, later));
    filter.type = conf::SessionType::one_way;
    CHECK_FALSE(filter.matches(record, later));
}

TEST_CASE("age counts from the beginning, idleness from the last datagram of either side [K-70]") {
    const Record record = record_of("10.1.2.3:4000");  // 10 s old, idle for 2 s
    CHECK(SessionFilter{.older = std::chrono::seconds(10)}.matches(record, later));
    CHECK_FALSE(SessionFilter{.older = std::chrono::milliseconds(10'001)}.matches(record, later));
    CHECK(SessionFilter{.idle = std::chrono::seconds(2)}.matches(record, later));
    CHECK_FALSE(SessionFilter{.idle = std::chrono::milliseconds(2'001)}.matches(record, later));
}

TEST_CASE("a session's id is its slot and its generation, nothing else") {
    const auto id = SessionId::parse("17.3");
    REQUIRE(id);
    CHECK(id->slot == 17);
    CHECK(id->generation == 3);
    for (const char* text :
         {"", "17", ".", "17.", ".3", "17.3.4", "-1.3", "17.x", "4294967295.1", "99999999999.1"})
        CHECK_FALSE(SessionId::parse(text));
}
