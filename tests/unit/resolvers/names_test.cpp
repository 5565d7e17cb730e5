// The parts that only calculate: what names mean, when they are asked for, where and in which order.
#include <catch2/catch.hpp>
#include <set>

#include "resolvers/answer_cache.hpp"
#include "resolvers/name_table.hpp"
#include "resolvers/private_address.hpp"
#include "resolvers/refresh_schedule.hpp"
#include "resolvers/search_list.hpp"
#include "resolvers/server_order.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

const base::Instant start{1000s};

base::Address address(const char* text) {
    return base::parse_address(text).value();
}
Answer good(std::initializer_list<const char*> addresses, base::Duration ttl = 10s) {
    Answer answer;
    for (const char* text : addresses)
        answer.addresses.push_back(address(text));
    answer.ttl = ttl;
    return answer;
}
Answer bad(Answer::Status status, base::Duration ttl = 5s) {
    Answer answer;
    answer.status = status;
    answer.ttl = ttl;
    return answer;
}
const Answer::Status failures[] = {Answer::server_failure, Answer::timed_out, Answer::refused_private,
                                   Answer::cancelled, Answer::busy};

}  // namespace

TEST_CASE("a changed name [K-54]") {
    NameTable table(1h);
    CHECK(table.update("x", good({"192.0.2.2", "192.0.2.1"}), start));
    CHECK(table.update("x", good({"192.0.2.3", "192.0.2.2"}), start + 8s));
    CHECK_FALSE(table.update("x", good({"192.0.2.2", "192.0.2.3", "192.0.2.2"}), start + 9s));
    CHECK(table.addresses("x") == good({"192.0.2.2", "192.0.2.3"}).addresses);
    CHECK(to_string(table.addresses("x")) == "192.0.2.2, 192.0.2.3");
    CHECK(to_string(table.addresses("y")) == "nothing");
}

TEST_CASE("a failure keeps the last good list, up to stale-max [K-55]") {
    for (const auto status : failures) {
        NameTable table(60s);
        table.update("x", good({"192.0.2.1"}, 10s), start);
        CHECK_FALSE(table.stale("x", start + 9s));
        CHECK_FALSE(table.update("x", bad(status), start + 69s));
        CHECK(table.stale("x", start + 69s));
        CHECK(table.addresses("x").size() == 1);
        CHECK(table.update("x", bad(status), start + 70s));
        CHECK(table.addresses("x").empty());
        CHECK_FALSE(table.stale("x", start + 70s));
    }
}

TEST_CASE("a denial is an answer and empties the list at once [K-55]") {
    for (const auto status : {Answer::no_such_name, Answer::no_data}) {
        NameTable table(1h);
        table.update("x", good({"192.0.2.1"}), start);
        CHECK(table.update("x", bad(status), start + 1s));
        CHECK(table.addresses("x").empty());
    }
}

TEST_CASE("a name that never resolved means nothing [K-55]") {
    NameTable table(1h);
    CHECK(table.addresses("x").empty());
    CHECK_FALSE(table.update("x", bad(Answer::timed_out), start));
    CHECK(table.addresses("x").empty());
}

TEST_CASE("the time of a name that never resolved begins when it is added [K-55]") {
    NameTable table(60s);
    CHECK_FALSE(table.good_until("x"));
    CHECK_FALSE(table.given_up_at("x"));
    table.add("x", start);
    table.add("x", start + 5s);
    CHECK(table.given_up_at("x") == start + 60s);
    CHECK_FALSE(table.stale("x", start + 1h));  // there is nothing to be stale
    table.update("x", bad(Answer::timed_out), start + 9s);
    CHECK(table.good_until("x") == start);
    table.update("y", bad(Answer::timed_out), start + 9s);
    CHECK(table.good_until("y") == start + 9s);
    table.update("x", good({"192.0.2.1"}, 10s), start + 10s);
    CHECK(table.good_until("x") == start + 20s);
    CHECK(table.given_up_at("x") == start + 80s);
    table.update("x", bad(Answer::no_data), start + 11s);
    CHECK(table.good_until("x") == start + 20s);
}

TEST_CASE("a new name is due at once, an answered one before its TTL ends [K-53]") {
    RefreshSchedule schedule;
    CHECK_FALSE(schedule.next());
    schedule.add("x", start);
    schedule.add("x", start + 5s);
    CHECK(schedule.next() == start);
    CHECK_FALSE(schedule.take_due(start - 1ms));
    CHECK(schedule.take_due(start) == "x");
    CHECK_FALSE(schedule.take_due(start + 1h));  // being asked for
    CHECK_FALSE(schedule.next());
    CHECK(schedule.answered("x", good({"192.0.2.1"}, 100s), start, 0.0) == start + 80s);
    CHECK_FALSE(schedule.take_due(start + 79s));
    CHECK(schedule.take_due(start + 80s) == "x");
    CHECK(schedule.answered("x", good({"192.0.2.1"}, 100s), start, 0.5) == start + 85s);
    CHECK(schedule.answered("x", good({"192.0.2.1"}, 100s), start, 1.0) == start + 90s);
    CHECK(schedule.answered("x", good({"192.0.2.1"}, 100s), start, 7.0) == start + 90s);
    CHECK(schedule.answered("x", good({"192.0.2.1"}, 0s), start, 0.0) == start + 500ms);  // never spins
    // Only the last plan counts.
    CHECK(schedule.take_due(start + 1h) == "x");
    CHECK_FALSE(schedule.take_due(start + 1h));
}

TEST_CASE("after failures the pauses double, after an answer they begin anew [K-55]") {
    for (const auto status : failures) {
        RefreshSchedule schedule;
        schedule.add("x", start);
        for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s})
            CHECK(schedule.answered("x", bad(status), start, 0.0) == start + pause);
        for (int i = 0; i < 100; ++i)
            CHECK(schedule.answered("x", bad(status), start, 0.0) == start + 60s);
        CHECK(schedule.failures("x") == 108);
        schedule.answered("x", good({"192.0.2.1"}), start, 0.0);
        CHECK(schedule.failures("x") == 0);
        CHECK(schedule.answered("x", bad(status), start, 0.0) == start + 1s);
    }
}

TEST_CASE("a denied name is asked for again when the denial expires, a minute later at most") {
    RefreshSchedule schedule;
    schedule.add("x", start);
    for (const auto status : {Answer::no_such_name, Answer::no_data}) {
        CHECK(schedule.answered("x", bad(status, 20s), start, 0.0) == start + 20s);
        CHECK(schedule.answered("x", bad(status, 0s), start, 0.0) == start + 1s);
        CHECK(schedule.answered("x", bad(status, 1h), start, 0.0) == start + 60s);
        CHECK(schedule.failures("x") == 0);
    }
}

TEST_CASE("the earliest comes first") {
    RefreshSchedule schedule;
    for (const char* name : {"a", "b", "c"})
        schedule.add(name, start);
    while (schedule.take_due(start)) {
    }
    schedule.answered("b", good({}, 10s), start, 0.0);
    schedule.answered("a", good({}, 30s), start, 0.0);
    schedule.answered("c", good({}, 20s), start, 0.0);
    CHECK(schedule.next() == start + 8s);
    for (const char* name : {"b", "c", "a"})
        CHECK(schedule.take_due(start + 1h) == name);
    CHECK_FALSE(schedule.take_due(start + 1h));
    CHECK_FALSE(schedule.answered("d", good({}, 10s), start, 0.0));
    CHECK_FALSE(schedule.next());
}

TEST_CASE("private addresses") {
    for (const char* text : {"0.0.0.0",
                             "10.1.2.3",
                             "100.64.0.1",
                             "127.0.0.1",
                             "169.254.1.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "255.255.255.255",
                             "::",
                             "::1",
                             "fc00::1",
                             "fdff::1",
                             "fe80::1",
                             "febf::1",
                             "fec0::1",
                             "64:ff9b::10.0.0.1",
                             "64:ff9b::127.0.0.1",
                             "2002:a01:203::1",
                             "2002:7f00:1::",
                             "::ffff:10.0.0.1"}) {
        CAPTURE(text);
        CHECK(is_private(address(text)));
    }
    for (const char* text :
         {"9.255.255.255", "11.0.0.0", "100.128.0.1", "128.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1",
          "192.0.2.1", "2001:db8::1", "fbff::1", "64:ff9b::8.8.8.8", "2002:808:808:a00::a00:1", "::2"}) {
        CAPTURE(text);
        CHECK_FALSE(is_private(address(text)));
    }
    CHECK(is_private(address("64:ff9b:1::8.8.8.8")));  // whatever this network's own NAT64 makes of it
    CHECK_FALSE(is_private(address("64:ff9b:2::1")));
}

TEST_CASE("candidates of the search list") {
    using Names = std::vector<std::string>;
    const Names search{"One.Example.", "two.example", "bad domain"};
    CHECK(candidates("A", search, 1) == Names{"a.one.example", "a.two.example", "a"});
    CHECK(candidates("a.b", search, 1) == Names{"a.b", "a.b.one.example", "a.b.two.example"});
    CHECK(candidates("a.b", search, 2) == Names{"a.b.one.example", "a.b.two.example", "a.b"});
    CHECK(candidates("a.", search, 1) == Names{"a"});
    CHECK(candidates("a", {}, 1) == Names{"a"});
    CHECK(candidates("a b", search, 1).empty());
    CHECK(candidates(std::string(63, 'a'), {std::string(190, 'b')}, 1).size() == 1);
}

TEST_CASE("silent servers come last for a while [K-62]") {
    using Order = std::vector<std::size_t>;
    ServerOrder order(3);
    CHECK(order.order(start) == Order{0, 1, 2});
    order.failed(0, start);
    CHECK(order.order(start) == Order{1, 2, 0});
    order.failed(1, start + 5s);
    CHECK(order.order(start + 5s) == Order{2, 0, 1});
    CHECK(order.order(start + 10s) == Order{0, 2, 1});
    order.answered(1);
    CHECK(order.order(start + 10s) == Order{0, 1, 2});
    CHECK(ServerOrder(0).order(start).empty());
}

TEST_CASE("the cache gives the rest of the TTL and is bounded [K-56]") {
    AnswerCache cache(2);
    cache.put("a", good({"192.0.2.1"}, 10s), start);
    CHECK(cache.find("a", start + 4s)->ttl == 6s);
    CHECK_FALSE(cache.find("a", start + 10s));
    cache.put("b", bad(Answer::no_such_name, 5s), start);
    CHECK(cache.find("b", start)->status == Answer::no_such_name);
    cache.put("c", good({}, 20s), start);  // b expires first
    CHECK(cache.size() == 2);
    CHECK_FALSE(cache.find("b", start));
    CHECK(cache.find("a", start));
    cache.put("a", good({}, 0s), start);
    CHECK(cache.size() == 1);
    cache.put("c", good({}, 30s), start);
    CHECK(cache.find("c", start)->ttl == 30s);
    CHECK(cache.size() == 1);
    AnswerCache none(0);
    none.put("a", good({}, 20s), start);
    CHECK(none.size() == 0);
}
