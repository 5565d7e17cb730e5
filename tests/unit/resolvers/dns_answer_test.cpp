#include "resolvers/dns_answer.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "tests/unit/resolvers/dns_packet.hpp"

using namespace resolvers;
using namespace std::chrono_literals;

namespace {

DnsQuestion ask(std::string_view name, RecordType type) {
    return {name, type, Randomness::fresh()};
}

const DnsQuestion question = ask("www.example.com", RecordType::a);
const conf::Resolver settings;

Reply reply() {
    return Reply(question.packet());
}
DnsAnswer judge(const Reply& made) {
    return read_answer(made.packet(), question, settings);
}
std::string text(const std::vector<base::Address>& addresses) {
    std::string all;
    for (const auto& address : addresses)
        all += to_string(address) + " ";
    return all;
}

}  // namespace

TEST_CASE("a plain answer, sorted and each address once") {
    const auto answer = judge(reply()
                                  .a("www.example.com", "192.0.2.9", 300)
                                  .a("WWW.example.COM", "192.0.2.1", 200)
                                  .a("www.example.com", "192.0.2.9", 400));
    CHECK(answer.verdict == DnsAnswer::ok);
    CHECK(text(answer.addresses) == "192.0.2.1 192.0.2.9 ");
    CHECK(answer.ttl == 200s);
}

TEST_CASE("both families; an IPv4 address inside of an IPv6 one is IPv4 [L-13]") {
    const auto six = ask("h.example", RecordType::aaaa);
    const auto answer =
        read_answer(Reply(six.packet()).aaaa("h.example", "2001:db8::1").raw({}).packet(), six, settings);
    CHECK(text(answer.addresses) == "2001:db8::1 ");
    Bytes mapped(16, 0);
    mapped[10] = mapped[11] = 0xff;
    mapped[12] = 127;
    mapped[15] = 1;
    const auto hidden = read_answer(
        Reply(six.packet()).record(wire_name("h.example"), 28, 60, mapped).packet(), six, settings);
    CHECK(text(hidden.addresses) == "127.0.0.1 ");
}

TEST_CASE("what is not the answer to our question is not ours [K-61]") {
    const auto with = [](const std::function<void(Reply&)>& change) {
        Reply made = reply().a("www.example.com", "192.0.2.1");
        change(made);
        return judge(made).verdict;
    };
    CHECK(with([](Reply&) {}) == DnsAnswer::ok);
    CHECK(with([](Reply& r) { r.id(question.id() ^ 1u); }) == DnsAnswer::not_ours);
    CHECK(with([](Reply& r) { r.other_case(); }) == DnsAnswer::not_ours);
    CHECK(with([](Reply& r) { r.flags(0x0180); }) == DnsAnswer::not_ours);  // a question
    CHECK(with([](Reply& r) { r.flags(0xa980); }) == DnsAnswer::not_ours);  // another operation
    CHECK(with([](Reply& r) { r.count(0, 0); }) == DnsAnswer::not_ours);
    CHECK(with([](Reply& r) { r.count(0, 2); }) == DnsAnswer::not_ours);

    for (const auto& other :
         {ask("www.example.org", RecordType::a), ask("www.example.com", RecordType::aaaa)}) {
        Bytes packet = Reply(other.packet()).id(question.id()).a("www.example.com", "192.0.2.1").packet();
        CHECK(read_answer(packet, question, settings).verdict == DnsAnswer::not_ours);
    }
}

TEST_CASE("every answer that is cut short is refused") {
    const Bytes whole = reply()
                            .cname("www.example.com", "a.example.net")
                            .a("a.example.net", "192.0.2.1")
                            .authority()
                            .soa("example.com", 60, 60)
                            .packet();
    REQUIRE(read_answer(whole, question, settings).verdict == DnsAnswer::ok);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
        const auto verdict = read_answer(part, question, settings).verdict;
        CHECK(verdict == (size < question.size() ? DnsAnswer::not_ours : DnsAnswer::malformed));
    }
    CHECK(judge(reply().a("www.example.com", "192.0.2.1").raw({0})).verdict == DnsAnswer::malformed);
}

TEST_CASE("only the end of the chain of aliases is believed") {
    const auto answer = judge(reply()
                                  .a("b.example.net", "192.0.2.1", 50)
                                  .cname("A.example.net", "b.EXAMPLE.net", 30)
                                  .cname("www.example.com", "a.example.net", 40)
                                  .a("a.example.net", "203.0.113.1")    // beside its alias
                                  .a("www.example.com", "203.0.113.2")  // beside its alias
                                  .a("bank.example", "203.0.113.3", 1)  // not asked for
                                  .cname("c.example.net", "bank.example"));
    CHECK(answer.verdict == DnsAnswer::ok);
    CHECK(text(answer.addresses) == "192.0.2.1 ");
    CHECK(answer.ttl == 30s);
    CHECK(judge(reply().a("bank.example", "203.0.113.3")).verdict == DnsAnswer::no_data);
    CHECK(judge(reply().a("example.com", "203.0.113.3")).verdict == DnsAnswer::no_data);
    CHECK(judge(reply().record(wire_name("www.example.com"), 1, 60, {1, 2, 3, 4}, 3)).verdict ==
          DnsAnswer::no_data);  // another class
    CHECK(judge(reply().authority().a("www.example.com", "203.0.113.3")).verdict == DnsAnswer::no_data);
}

TEST_CASE("loops and long chains of aliases end, sixteen in a row are followed [K-56][D-8]") {
    const auto chain = [](unsigned aliases) {
        Reply made = reply();
        std::string name = "www.example.com";
        for (unsigned i = 0; i < aliases; ++i) {
            const std::string next = "n" + std::to_string(i) + ".example";
            made.cname(name, next);
            name = next;
        }
        return judge(made.a(name, "192.0.2.1")).verdict;
    };
    CHECK(chain(9) == DnsAnswer::ok);
    CHECK(chain(16) == DnsAnswer::ok);
    CHECK(chain(17) == DnsAnswer::malformed);
    CHECK(judge(reply().cname("www.example.com", "www.example.com")).verdict == DnsAnswer::malformed);
    CHECK(
        judge(reply().cname("www.example.com", "b.example").cname("b.example", "www.example.com")).verdict ==
        DnsAnswer::malformed);
    CHECK(
        judge(reply().cname("www.example.com", "b.example").cname("www.example.com", "c.example")).verdict ==
        DnsAnswer::malformed);
    CHECK(judge(reply()
                    .cname("www.example.com", "b.example")
                    .cname("www.example.com", "B.example")
                    .a("b.example", "192.0.2.1"))
              .verdict == DnsAnswer::ok);
}

TEST_CASE("counts are bounded") {
    const auto records = [](unsigned count, bool distinct_owner) {
        Reply made = reply();
        for (unsigned i = 0; i < count; ++i) {
            const auto owner = distinct_owner ? "x.example" : "www.example.com";
            made.a(owner, "192.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
        }
        if (distinct_owner) made.a("www.example.com", "192.0.2.1");
        return judge(made);
    };
    CHECK(records(32, false).addresses.size() == 32);
    CHECK(records(33, false).verdict == DnsAnswer::malformed);
    CHECK(records(255, true).verdict == DnsAnswer::ok);
    CHECK(records(256, true).verdict == DnsAnswer::malformed);
    CHECK(records(1000, false).verdict == DnsAnswer::malformed);
    Reply lying = reply().a("www.example.com", "192.0.2.1");
    CHECK(judge(lying.count(1, 65535)).verdict == DnsAnswer::malformed);
    CHECK(judge(lying.count(1, 200)).verdict == DnsAnswer::malformed);
    CHECK(judge(lying.count(1, 0)).verdict == DnsAnswer::malformed);
    CHECK(judge(lying.count(1, 65535).count(2, 65535).count(3, 65535)).verdict == DnsAnswer::malformed);
}

TEST_CASE("compression pointers lead backwards, or the answer is refused") {
    const auto at = static_cast<unsigned>(question.size());
    const auto pointer = [](unsigned target) {
        Bytes bytes;
        put_u16(bytes, 0xc000 | target);
        return bytes;
    };
    const auto with_owner = [&](const Bytes& owner) {
        return judge(reply().record(owner, 1, 60, {192, 0, 2, 1})).verdict;
    };
    CHECK(with_owner(pointer(12)) == DnsAnswer::ok);
    CHECK(with_owner(pointer(at)) == DnsAnswer::malformed);      // to itself
    CHECK(with_owner(pointer(at + 4)) == DnsAnswer::malformed);  // forwards
    CHECK(with_owner(pointer(0x3fff)) == DnsAnswer::malformed);
    CHECK(with_owner({1, 'a', 0xc0, static_cast<std::uint8_t>(at)}) == DnsAnswer::malformed);
    CHECK(with_owner({0x40, 'a', 0}) == DnsAnswer::malformed);
    CHECK(with_owner({0x80, 'a', 0}) == DnsAnswer::malformed);
    // Two that lead to each other.
    Reply mutual = reply().record(pointer(12), 16, 60, pointer(at + 14));
    CHECK(judge(mutual.record(pointer(at + 12), 1, 60, {1, 2, 3, 4})).verdict == DnsAnswer::malformed);
    // A chain of 100 pointers, each to the one before it, is legal and ends.
    Bytes chain = pointer(12);
    for (unsigned i = 0; i < 99; ++i) {
        const Bytes next = pointer(at + 11 + 2 * i);
        chain.insert(chain.end(), next.begin(), next.end());
    }
    Reply long_chain = reply().record({0}, 16, 60, chain);
    CHECK(judge(long_chain.record(pointer(at + 11 + 2 * 99), 1, 60, {192, 0, 2, 1})).verdict ==
          DnsAnswer::ok);
}

TEST_CASE("a name of more than 255 bytes is refused") {
    Bytes owner;
    for (int i = 0; i < 4; ++i) {
        owner.push_back(63);
        owner.insert(owner.end(), 63, 'a');
    }
    owner.push_back(0);
    CHECK(judge(reply().record(owner, 1, 60, {1, 2, 3, 4})).verdict == DnsAnswer::malformed);
}

TEST_CASE("records of a wrong size are refused") {
    const auto owner = wire_name("www.example.com");
    for (const std::size_t size : {0u, 3u, 5u, 16u})
        CHECK(judge(reply().record(owner, 1, 60, Bytes(size))).verdict == DnsAnswer::malformed);
    CHECK(judge(reply().record(owner, 5, 60, {1, 'a', 0, 0})).verdict == DnsAnswer::malformed);
    CHECK(judge(reply().record(owner, 5, 60, {})).verdict == DnsAnswer::malformed);
    const auto six = ask("h.example", RecordType::aaaa);
    Reply made(six.packet());
    made.record(wire_name("h.example"), 28, 60, {1, 2, 3, 4});
    CHECK(read_answer(made.packet(), six, settings).verdict == DnsAnswer::malformed);
}

TEST_CASE("the TTL is clamped [K-56]") {
    const auto ttl = [](std::uint32_t seconds) {
        return judge(reply().a("www.example.com", "192.0.2.1", seconds)).ttl;
    };
    CHECK(ttl(0) == 1s);
    CHECK(ttl(1) == 1s);
    CHECK(ttl(77) == 77s);
    CHECK(ttl(86401) == 24h);
    CHECK(ttl(0x7fffffff) == 24h);
    CHECK(ttl(0x80000000) == 1s);
    CHECK(ttl(0xffffffff) == 1s);
}

TEST_CASE("denials, told apart, with the TTL of their SOA [K-55][K-56]") {
    auto answer = judge(reply().rcode(3).authority().soa("example.com", 20, 10));
    CHECK(answer.verdict == DnsAnswer::no_such_name);
    CHECK(answer.ttl == 10s);
    answer = judge(reply().authority().soa("example.com", 7, 3600));
    CHECK(answer.verdict == DnsAnswer::no_data);
    CHECK(answer.ttl == 7s);
    CHECK(judge(reply().rcode(3).authority().soa("example.com", 86400, 86400)).ttl == 30s);
    CHECK(judge(reply().rcode(3)).ttl == 1s);
    CHECK(judge(reply()).verdict == DnsAnswer::no_data);
    CHECK(judge(reply().cname("www.example.com", "gone.example").rcode(3)).verdict ==
          DnsAnswer::no_such_name);
    CHECK(judge(reply().rcode(3).a("www.example.com", "192.0.2.1")).addresses.empty());
}

TEST_CASE("failures of the server are no denials") {
    for (const unsigned rcode : {1u, 2u, 4u, 5u, 9u, 15u})
        CHECK(judge(reply().a("www.example.com", "192.0.2.1").rcode(rcode)).verdict ==
              DnsAnswer::server_failure);
    // A server that is not responsible refers to others.
    Reply referral = reply().authority();
    referral.record(wire_name("com"), 2, 60, wire_name("ns.example.com"));
    CHECK(judge(referral).verdict == DnsAnswer::server_failure);
}

TEST_CASE("nothing of a truncated answer is used") {
    const auto answer = judge(reply().a("www.example.com", "192.0.2.1").flags(0x8380));
    CHECK(answer.verdict == DnsAnswer::truncated);
    CHECK(answer.addresses.empty());
    CHECK(judge(reply().a("www.example.com", "192.0.2.1").flags(0x8380).id(question.id() ^ 1u)).verdict ==
          DnsAnswer::not_ours);
}

TEST_CASE("the names of an address; odd ones are left out [K-63]") {
    const auto reverse = ask("5.2.0.192.in-addr.arpa", RecordType::ptr);
    const auto owner = "5.2.0.192.in-addr.arpa";
    const auto judge_ptr = [&](const Reply& made) { return read_answer(made.packet(), reverse, settings); };
    const auto answer = judge_ptr(Reply(reverse.packet())
                                      .cname(owner, "5.0/25.2.0.192.in-addr.arpa")
                                      .ptr("5.0/25.2.0.192.in-addr.arpa", "Host.Example")
                                      .ptr("5.0/25.2.0.192.in-addr.arpa", "a b\n.example")
                                      .ptr(owner, "liar.example"));
    CHECK(answer.verdict == DnsAnswer::ok);
    CHECK(answer.names == std::vector<std::string>{"host.example"});
    CHECK(judge_ptr(Reply(reverse.packet()).ptr(owner, "a\"b.example")).verdict == DnsAnswer::no_data);
    // A dot inside of a label must not look like two labels.
    const Bytes trick{3, 'a', '.', 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
    CHECK(judge_ptr(Reply(reverse.packet()).record(wire_name(owner), 12, 60, trick)).names.empty());
    CHECK(judge_ptr(Reply(reverse.packet()).ptr(owner, "")).verdict == DnsAnswer::no_data);
}
