#include "resolvers/dns_question.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "tests/unit/resolvers/dns_packet.hpp"

using namespace resolvers;

TEST_CASE("a name has one form") {
    CHECK(canonical_name("WWW.Example.COM.") == "www.example.com");
    CHECK(canonical_name("_sip._udp.a-b") == "_sip._udp.a-b");
    CHECK(canonical_name("x") == "x");
    const std::string label(63, 'a');
    CHECK(canonical_name(label));
    const std::string longest = fmt::format("{0}.{0}.{0}.{1}", label, std::string(61, 'b'));
    CHECK(longest.size() == 253);
    CHECK(canonical_name(longest) == longest);
    CHECK(canonical_name(fmt::format("{}.", longest)) == longest);
    CHECK_FALSE(canonical_name(fmt::format("{}b", longest)));
}

TEST_CASE("odd names are refused [K-55]") {
    const std::string label(63, 'a');
    for (const std::string& name :
         {std::string(), std::string("."), std::string("a..b"), std::string(".a"), std::string("a.."),
          std::string("a b"), std::string("a\0b", 3), std::string("a\\b"), std::string("a/b"),
          std::string("b\xc3\xbc.de"), std::string("a\n"), std::string("*.a"), std::string("a:53"),
          fmt::format("{}a", label), fmt::format("{0}.{0}.{0}.{0}", label)}) {
        CAPTURE(name);
        CHECK_FALSE(canonical_name(name));
    }
}

TEST_CASE("reverse names of both families [K-63]") {
    CHECK(reverse_name(*base::parse_address("192.0.2.5")) == "5.2.0.192.in-addr.arpa");
    CHECK(reverse_name(*base::parse_address("2001:db8::1")) ==
          "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
    CHECK(reverse_name(base::Address{}).empty());
    CHECK(canonical_name(reverse_name(*base::parse_address("2001:db8::1"))));
}

TEST_CASE("a question on the wire") {
    Randomness randomness;
    randomness.id = 0x1234;
    randomness.letter_case[0] = 0b0010'0101;
    const DnsQuestion question("ab.c9", RecordType::aaaa, randomness);
    const Bytes expected{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 'A', 'b', 2, 'c', '9', 0, 0, 28, 0, 1};
    CHECK(question.packet() == expected);
    CHECK(question.id() == 0x1234);
    randomness.letter_case.fill(0xff);
    const DnsQuestion upper("ab.c9", RecordType::a, randomness);
    CHECK(std::string(upper.packet().begin() + 13, upper.packet().begin() + 15) == "AB");
    CHECK(upper.packet()[16] == 'C');
    CHECK(upper.packet()[17] == '9');
}

TEST_CASE("ids and letter cases are never the same twice [K-61]") {
    std::set<std::uint16_t> ids;
    std::set<Bytes> cases;
    for (int i = 0; i < 1000; ++i) {
        const auto randomness = Randomness::fresh();
        ids.insert(randomness.id);
        Bytes packet = DnsQuestion("www.example.com", RecordType::a, randomness).packet();
        cases.insert(Bytes(packet.begin() + 12, packet.end()));
    }
    CHECK(ids.size() > 980);    // of 65536
    CHECK(cases.size() > 900);  // of 2^13
}
