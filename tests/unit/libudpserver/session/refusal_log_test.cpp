#include "libudpserver/session/refusal_log.hpp"

#include <catch2/catch.hpp>

using namespace session;
using base::Duration;
using base::Instant;
using Fields = std::vector<base::log::Field>;

namespace {

Instant at(std::int64_t ms) {
    return Instant(Duration{ms});
}
Endpoint endpoint(const char* text) {
    return *base::parse_endpoint(text);
}
const Endpoint local = *base::parse_endpoint("10.0.1.1:53");

std::string value(const Fields& fields, std::string_view key) {
    for (const auto& field : fields)
        if (field.key == key) return field.value;
    return "(no such field)";
}

std::vector<Fields> flushed(RefusalLog& log) {
    std::vector<Fields> records;
    log.flush([&](const Fields& fields) { records.push_back(fields); });
    return records;
}

}  // namespace

TEST_CASE("refused datagrams of one source are one record with their number [K-67]") {
    RefusalLog log("udp", {"lan", "guests"});
    log.count(endpoint("10.1.2.3:4000"), local, CloseReason::acl, 1, 100, at(1000));
    log.count(endpoint("10.1.2.3:4001"), local, CloseReason::acl, 1, 50, at(1500));
    const auto records = flushed(log);
    REQUIRE(records.size() == 1);
    CHECK(value(records[0], "STATUS") == "REJECTED");
    CHECK(value(records[0], "RESULT") == "FAILED");
    CHECK(value(records[0], "REASON") == "acl");
    CHECK(value(records[0], "RULE") == "guests");
    CHECK(value(records[0], "COUNT") == "2");
    CHECK(value(records[0], "CLIENT") == "10.1.2.3:4000");
    CHECK(value(records[0], "LISTENER") == "10.0.1.1:53");
    CHECK(value(records[0], "BYTES-CIN") == "150");
    CHECK(value(records[0], "DATAGRAMS-CIN") == "2");
    CHECK(value(records[0], "DURATION") == "0.500");
    CHECK(value(records[0], "PROTOCOL") == "udp");
    CHECK(records[0].front().key == "PROTOCOL");
    CHECK(records[0].back().key == "COUNT");
}

TEST_CASE("what is refused was never accepted, whatever the reason [K-67]") {
    for (std::size_t number = 1; number < static_cast<std::size_t>(CloseReason::count_); ++number) {
        const auto reason = static_cast<CloseReason>(number);
        RefusalLog log("udp", {"lan"});
        log.count(endpoint("10.1.2.3:4000"), local, reason, 0, 1, at(0));
        const bool unserved = reason == CloseReason::no_socket || reason == CloseReason::socket_error;
        CHECK(value(flushed(log).at(0), "STATUS") == (unserved ? "FAILED" : "REJECTED"));
    }
}

TEST_CASE("sources, reasons and rules are kept apart; a /64 is one source [K-67]") {
    RefusalLog log("udp", {"lan"});
    log.count(endpoint("10.1.2.3:4000"), local, CloseReason::acl, 0, 1, at(0));
    log.count(endpoint("10.1.2.4:4000"), local, CloseReason::acl, 0, 1, at(0));
    log.count(endpoint("10.1.2.3:4000"), local, CloseReason::no_socket, 0, 1, at(0));
    log.count(endpoint("10.1.2.3:4000"), local, CloseReason::acl, std::nullopt, 1, at(0));
    log.count(endpoint("[2001:db8::1]:1"), local, CloseReason::acl, 0, 1, at(0));
    log.count(endpoint("[2001:db8::2]:1"), local, CloseReason::acl, 0, 1, at(0));
    const auto records = flushed(log);
    REQUIRE(records.size() == 5);
    CHECK(value(records[2], "STATUS") == "FAILED");
    CHECK(value(records[3], "RULE").empty());
    CHECK(value(records[4], "CLIENT") == "[2001:db8::1]:1");
    CHECK(value(records[4], "COUNT") == "2");
}

TEST_CASE("link-local neighbours are sources of their own [K-67]") {
    RefusalLog log("udp", {"lan"});
    for (const char* client : {"[fe80::1%1]:1", "[fe80::2%1]:1", "[fe80::2%1]:2"})
        log.count(endpoint(client), local, CloseReason::acl, 0, 1, at(0));
    const auto records = flushed(log);
    REQUIRE(records.size() == 2);
    CHECK(value(records[1], "COUNT") == "2");
}

TEST_CASE("a flush begins anew [K-67]") {
    RefusalLog log("udp", {});
    CHECK(log.empty());
    CHECK(flushed(log).empty());
    log.count(endpoint("10.1.2.3:4000"), local, CloseReason::acl, {}, 1, at(0));
    CHECK_FALSE(log.empty());
    CHECK(flushed(log).size() == 1);
    CHECK(log.empty());
    CHECK(flushed(log).empty());
    log.count(endpoint("10.1.2.3:5000"), local, CloseReason::acl, {}, 1, at(0));
    const auto records = flushed(log);
    REQUIRE(records.size() == 1);
    CHECK(value(records[0], "CLIENT") == "10.1.2.3:5000");
    CHECK(log.total() == 2);
}

TEST_CASE("a flood of sources makes a bounded number of records, and loses none of the count [K-67][O-36]") {
    RefusalLog log("udp", {});
    constexpr std::uint64_t sources = 100'000;
    for (std::uint32_t i = 0; i < sources; ++i) {
        Endpoint client = endpoint("10.0.0.0:1");
        for (std::size_t b = 0; b < 3; ++b)
            client.bytes[b + 1] = static_cast<std::uint8_t>(i >> (8 * b));
        log.count(client, local, CloseReason::acl, {}, 1, at(0));
    }
    const auto records = flushed(log);
    CHECK(records.size() <= RefusalLog::capacity + 1);
    CHECK(records.size() > 200);
    std::uint64_t total = 0;
    for (const auto& record : records)
        total += std::stoull(value(record, "COUNT"));
    CHECK(total == sources);
    CHECK(value(records.back(), "REASON") == "others");
    CHECK(value(records.back(), "CLIENT").empty());
    CHECK(value(records.back(), "STATUS") == "REJECTED");
}

TEST_CASE("a datagram without a source, or with a rule that is gone, is counted too [L-21]") {
    RefusalLog log("udp", {"lan"});
    log.count({}, local, CloseReason::bad_source, 9, 1, at(0));
    const auto records = flushed(log);
    REQUIRE(records.size() == 1);
    CHECK(value(records[0], "CLIENT").empty());
    CHECK(value(records[0], "REASON") == "bad-source");
    CHECK(value(records[0], "RULE").empty());
}
