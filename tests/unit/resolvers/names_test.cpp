// Pure parts: private addresses, search list, order of servers, cache.
#include <catch2/catch.hpp>
#include <set>

#include "resolvers/answer_cache.hpp"
#include "resolvers/private_address.hpp"
#include "resolvers/settings.hpp"

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

}  // namespace

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
    conf::Resolver settings;
    CHECK(candidates("a", settings) == Names{"a"});
    settings.search = Names{"One.Example.", "two.example", "bad domain"};
    CHECK(candidates("A", settings) == Names{"a.one.example", "a.two.example", "a"});
    CHECK(candidates("a.b", settings) == Names{"a.b", "a.b.one.example", "a.b.two.example"});
    CHECK(candidates("a.", settings) == Names{"a"});
    CHECK(candidates("a b", settings).empty());
    settings.dots = 2;
    CHECK(candidates("a.b", settings) == Names{"a.b.one.example", "a.b.two.example", "a.b"});
    settings.search = Names{std::string(190, 'b')};
    CHECK(candidates(std::string(63, 'a'), settings).size() == 1);
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
