#include "libudpserver/session/statistics_record.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace session;

namespace {

std::string value(const std::vector<base::log::Field>& fields, std::string_view key) {
    for (const auto& field : fields)
        if (field.key == key) return field.value;
    return "(no such field)";
}

Record ended(CloseReason reason, bool answered = true) {
    Record record;
    record.reason = reason;
    record.counters.server_datagrams = answered ? 1 : 0;
    return record;
}

}  // namespace

TEST_CASE("every reason has a name of its own [K-51]") {
    std::set<std::string_view> names;
    for (unsigned i = 0; i < static_cast<unsigned>(CloseReason::count_); ++i)
        names.insert(to_string(static_cast<CloseReason>(i)));
    CHECK(names.size() == static_cast<std::size_t>(CloseReason::count_));
    CHECK(to_string(CloseReason::one_way_reply) == "one-way-reply");
    CHECK(to_string(CloseReason::truncated) == "truncated");
    CHECK(to_string(static_cast<CloseReason>(200)) == "unknown");
}

TEST_CASE("a statistics record has Kernun's fields in Kernun's order, then ours [K-66][K-67]") {
    Record record = ended(CloseReason::idle);
    record.generation = 7;
    record.type = conf::SessionType::any_port;
    record.client = *base::parse_endpoint("10.1.2.3:4000");
    record.local = *base::parse_endpoint("10.0.1.1:53");
    record.server = *base::parse_endpoint("[2001:db8::53]:53");
    record.created = base::Instant(base::Duration{1000});
    record.counters = {1, 2, 3, 4, 5, 6, 7, 8};
    conf::Rule rule;
    rule.name = "lan";
    const auto fields = session_fields(record, 12, &rule, "udp", base::Instant(base::Duration{62'045}));

    const std::vector<std::pair<std::string_view, std::string_view>> expected{{"PROTOCOL", "udp"},
                                                                              {"CLIENT", "10.1.2.3:4000"},
                                                                              {"CLIENT-IP", "10.1.2.3"},
                                                                              {"CLIENT-PORT", "4000"},
                                                                              {"SERVER", "[2001:db8::53]:53"},
                                                                              {"SERVER-IP", "2001:db8::53"},
                                                                              {"SERVER-PORT", "53"},
                                                                              {"SERVER-PORT-NAME", "domain"},
                                                                              {"USER", ""},
                                                                              {"BYTES-CIN", "2"},
                                                                              {"BYTES-COUT", "8"},
                                                                              {"BYTES-SIN", "6"},
                                                                              {"BYTES-SOUT", "4"},
                                                                              {"DURATION", "61.045"},
                                                                              {"STATUS", "ACCEPTED"},
                                                                              {"RESULT", "OK"},
                                                                              {"RULE", "lan"},
                                                                              {"REASON", "idle"},
                                                                              {"LISTENER", "10.0.1.1:53"},
                                                                              {"SESSION", "12.7"},
                                                                              {"TYPE", "any-port"},
                                                                              {"DATAGRAMS-CIN", "1"},
                                                                              {"DATAGRAMS-COUT", "7"},
                                                                              {"DATAGRAMS-SIN", "5"},
                                                                              {"DATAGRAMS-SOUT", "3"}};
    REQUIRE(fields.size() == expected.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
        CHECK(fields[i].key == expected[i].first);
        CHECK(fields[i].value == expected[i].second);
    }
    CHECK_FALSE(fields[9].quoted);
    CHECK(fields[0].quoted);
}

TEST_CASE("a record without a rule or a server, or from the future, is still a record [K-67]") {
    Record record = ended(CloseReason::no_target);
    record.created = base::Instant(base::Duration{5000});
    const auto fields = session_fields(record, 0, nullptr, "udp", base::Instant(base::Duration{4000}));
    CHECK(value(fields, "RULE").empty());
    CHECK(value(fields, "SERVER").empty());
    CHECK(value(fields, "SERVER-PORT-NAME").empty());
    CHECK(value(fields, "DURATION") == "0.000");
}

TEST_CASE("RESULT tells sessions that went well from those that failed or were cut off [K-67]") {
    for (const auto reason : {CloseReason::idle, CloseReason::lifetime, CloseReason::client_datagrams,
                              CloseReason::server_datagrams, CloseReason::client_bytes,
                              CloseReason::server_bytes, CloseReason::proxy}) {
        CHECK(result_of(ended(reason)) == "OK");
        CHECK(result_of(ended(reason, false)) == "FAILED");  // never answered
        Record one_way = ended(reason, false);
        one_way.type = conf::SessionType::one_way;
        CHECK(result_of(one_way) == "OK");
    }
    CHECK(result_of(ended(CloseReason::one_way_reply, false)) == "OK");
    for (const auto reason : {CloseReason::unanswered, CloseReason::socket_error, CloseReason::icmp_error})
        CHECK(result_of(ended(reason)) == "FAILED");
    for (const auto reason : {CloseReason::process_end, CloseReason::adoption, CloseReason::policy,
                              CloseReason::admin, CloseReason::evicted})
        CHECK(result_of(ended(reason)) == "ABORTED");
}

TEST_CASE("STATUS tells who was kept out, and by whom [K-66]") {
    for (const auto reason :
         {CloseReason::acl, CloseReason::no_target, CloseReason::sessions_full, CloseReason::source_limited,
          CloseReason::rate_limited, CloseReason::bad_source, CloseReason::truncated}) {
        CHECK(status_of(ended(reason, false)) == "REJECTED");
        CHECK(result_of(ended(reason, false)) == "FAILED");
    }
    CHECK(status_of(ended(CloseReason::no_socket, false)) == "FAILED");
    CHECK(status_of(ended(CloseReason::idle)) == "ACCEPTED");
    CHECK(status_of(ended(CloseReason::admin)) == "ACCEPTED");
    CHECK(status_of(ended(CloseReason::unanswered, false)) == "ACCEPTED");
}

TEST_CASE("well-known ports have names, others none") {
    CHECK(port_name(53) == "domain");
    CHECK(port_name(7) == "echo");
    CHECK(port_name(6343) == "sflow");
    CHECK(port_name(54).empty());
    CHECK(port_name(0).empty());
    CHECK(port_name(65535).empty());
}
