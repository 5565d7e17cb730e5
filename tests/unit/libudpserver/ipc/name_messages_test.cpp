#include <catch2/catch.hpp>

#include "tests/unit/libudpserver/ipc/message_fixture.hpp"

using namespace ipc;

namespace {

base::Address address(const char* text) {
    return *base::parse_address(text);
}

std::vector<base::Address> addresses(std::size_t count) {
    std::vector<base::Address> list(count, address("192.0.2.1"));
    for (std::size_t i = 0; i < count; ++i)
        list[i].bytes[3] = static_cast<std::uint8_t>(i);
    return list;
}

LookupReply full_answer() {
    LookupReply answer;
    answer.status = LookupReply::server_failure;
    answer.addresses = {address("192.0.2.1"), address("fe80::1%lo")};
    answer.names = {"a.example.com", "b.example.com"};
    answer.ttl = base::Duration(90'000);
    answer.detail = "#1 (192.0.2.53): SERVFAIL";
    return answer;
}

// An endpoint as it goes over the wire; what an address must not be can be said as well.
void put_address(Encoder& out, unsigned family, std::uint16_t port) {
    out.u8(static_cast<std::uint8_t>(family)).u16(port).u32(0).u64(0).u64(0);
}

constexpr std::uint64_t longest = std::uint64_t{1} << 40;

}  // namespace

TEST_CASE("news of a name keep name and addresses, in their order [K-64]") {
    const auto news =
        through(NameUpdate{"www.example.com", false, {address("2001:db8::7"), address("192.0.2.9")}});
    REQUIRE(news);
    CHECK(news->name == "www.example.com");
    CHECK_FALSE(news->unresolved);
    CHECK(news->addresses == std::vector{address("2001:db8::7"), address("192.0.2.9")});
    check_sizes(NameUpdate{"www.example.com", false, {address("2001:db8::7"), address("192.0.2.9")}});
}

TEST_CASE("a name that means nothing and one that is unresolved are two things [K-55]") {
    const auto empty = through(NameUpdate{"gone.example.com", false, {}});
    const auto unresolved = through(NameUpdate{"gone.example.com", true, {}});
    REQUIRE(empty);
    REQUIRE(unresolved);
    CHECK_FALSE(empty->unresolved);
    CHECK(unresolved->unresolved);
    CHECK(unresolved->addresses.empty());
    check_sizes(NameUpdate{"gone.example.com", true, {}});
}

TEST_CASE("news that are unresolved and have addresses, or another flag, are refused") {
    CHECK_FALSE(through(NameUpdate{"a", true, addresses(1)}));
    for (unsigned flag = 0; flag <= 0xff; ++flag) {
        Encoder out;
        out.string("a").u8(static_cast<std::uint8_t>(flag)).u16(0);
        CHECK(read_bytes<NameUpdate>(out).has_value() == (flag <= 1));
    }
}

TEST_CASE("a list of addresses has a bound for who writes and for who reads") {
    const auto most = through(NameUpdate{"a", false, addresses(max_results)});
    REQUIRE(most);
    CHECK(most->addresses == addresses(max_results));
    CHECK_FALSE(can_be_written(NameUpdate{"a", false, addresses(max_results + 1)}));
    LookupReply answer;
    answer.addresses = addresses(max_results + 1);
    CHECK_FALSE(can_be_written(answer));
    // More than a u16 can count must not look like few.
    CHECK_FALSE(can_be_written(NameUpdate{"a", false, addresses(65536 + 1)}));

    Encoder out;
    out.string("a").u8(0).u16(max_results + 1);
    for (std::size_t i = 0; i <= max_results; ++i)
        put_address(out, 4, 0);
    CHECK_FALSE(read_bytes<NameUpdate>(out));
}

TEST_CASE("a list that is shorter than it says is refused, however long it says it is") {
    for (unsigned count : {2u, 64u, 65u, 0xffffu}) {
        Encoder out;
        out.string("a").u8(0).u16(static_cast<std::uint16_t>(count));
        put_address(out, 4, 0);
        CHECK_FALSE(read_bytes<NameUpdate>(out));
    }
}

TEST_CASE("an address in a message has a known family and no port") {
    for (unsigned family = 0; family <= 0xff; ++family) {
        Encoder news, question, answer;
        news.string("a").u8(0).u16(1);
        put_address(news, family, 0);
        CHECK(read_bytes<NameUpdate>(news).has_value() == (family == 4 || family == 6));
        answer.u8(0).u16(1);
        put_address(answer, family, 0);
        answer.u16(0).u64(0).string("");
        CHECK(read_bytes<LookupReply>(answer).has_value() == (family == 4 || family == 6));
        question.string("a");
        put_address(question, family, 0);
        question.u64(0);
        CHECK(read_bytes<LookupRequest>(question).has_value() == (family == 0 || family == 4 || family == 6));
    }
    Encoder news, question;
    news.string("a").u8(0).u16(1);
    put_address(news, 4, 53);
    CHECK_FALSE(read_bytes<NameUpdate>(news));
    question.string("a");
    put_address(question, 4, 53);
    question.u64(0);
    CHECK_FALSE(read_bytes<LookupRequest>(question));
}

TEST_CASE("a name has a bound for who writes and for who reads") {
    const std::string max_name(max_text, 'a'), too_long(max_text + 1, 'a');
    CHECK(through(NameUpdate{max_name, false, {}})->name == max_name);
    CHECK(through(LookupRequest{max_name, {}, {}})->name == max_name);
    CHECK_FALSE(can_be_written(NameUpdate{too_long, false, {}}));
    CHECK_FALSE(can_be_written(LookupRequest{too_long, {}, {}}));
    LookupReply answer;
    answer.names = {"good", too_long};
    CHECK_FALSE(can_be_written(answer));

    Encoder news, question, names, detail;
    news.string(too_long).u8(0).u16(0);
    CHECK_FALSE(read_bytes<NameUpdate>(news));
    question.string(too_long);
    put_address(question, 0, 0);
    question.u64(0);
    CHECK_FALSE(read_bytes<LookupRequest>(question));
    names.u8(0).u16(0).u16(1).string(too_long).u64(0).string("");
    CHECK_FALSE(read_bytes<LookupReply>(names));
    detail.u8(0).u16(0).u16(0).u64(0).string(too_long);
    CHECK_FALSE(read_bytes<LookupReply>(detail));
}

TEST_CASE("a question for a name, and one for an address, keep their fields") {
    const auto name = through(LookupRequest{"www.example.com", {}, base::Duration(2'500)});
    REQUIRE(name);
    CHECK(name->name == "www.example.com");
    CHECK(name->timeout == base::Duration(2'500));
    const auto reverse = through(LookupRequest{"", address("fe80::1%lo"), {}});
    REQUIRE(reverse);
    CHECK(reverse->name.empty());
    CHECK(reverse->address == address("fe80::1%lo"));
    CHECK(reverse->timeout == base::Duration(0));
    check_sizes(LookupRequest{"www.example.com", address("192.0.2.1"), base::Duration(1)});
    check_sizes(LookupRequest{"", address("192.0.2.1"), {}});
}

TEST_CASE("a question for nothing is refused") {
    CHECK_FALSE(through(LookupRequest{}));
}

TEST_CASE("a duration that is negative or senselessly long is neither written nor read") {
    CHECK(through(LookupRequest{"a", {}, base::Duration(longest)})->timeout == base::Duration(longest));
    for (auto count :
         {base::Duration(longest + 1), base::Duration(-1), base::Duration::max(), base::Duration::min()}) {
        CHECK_FALSE(can_be_written(LookupRequest{"a", {}, count}));
        LookupReply answer;
        answer.ttl = count;
        CHECK_FALSE(can_be_written(answer));
        Encoder question, reply;
        question.string("a");
        put_address(question, 0, 0);
        question.u64(static_cast<std::uint64_t>(count.count()));
        CHECK_FALSE(read_bytes<LookupRequest>(question));
        reply.u8(0).u16(0).u16(0).u64(static_cast<std::uint64_t>(count.count())).string("");
        CHECK_FALSE(read_bytes<LookupReply>(reply));
    }
}

TEST_CASE("an answer keeps its fields") {
    const LookupReply said = full_answer();
    const auto answer = through(said);
    REQUIRE(answer);
    CHECK(answer->status == said.status);
    CHECK(answer->addresses == said.addresses);
    CHECK(answer->names == said.names);
    CHECK(answer->ttl == said.ttl);
    CHECK(answer->detail == said.detail);
    check_sizes(said);
    check_sizes(LookupReply{});
}

TEST_CASE("every known status is transferred, any other is malformed") {
    for (unsigned status = 0; status <= 0xff; ++status) {
        LookupReply answer;
        answer.status = static_cast<LookupReply::Status>(status);
        const auto got = through(answer);
        REQUIRE(got.has_value() == (status < base::lookup_statuses));
        if (got) CHECK(got->status == status);
    }
}

TEST_CASE("the names of an answer have a bound: their number, and what a packet holds") {
    LookupReply answer;
    answer.names.assign(max_results, std::string(max_text / 4, 'a'));
    REQUIRE(through(answer));
    CHECK(through(answer)->names.size() == max_results);
    answer.names.assign(max_results, std::string(max_text, 'a'));
    CHECK_FALSE(can_be_written(answer));
    answer.names.assign(max_results + 1, "a");
    CHECK_FALSE(can_be_written(answer));

    Encoder out;
    out.u8(0).u16(0).u16(max_results + 1);
    for (std::size_t i = 0; i <= max_results; ++i)
        out.string("a");
    out.u64(0).string("");
    CHECK_FALSE(read_bytes<LookupReply>(out));
}

TEST_CASE("the largest answer that one resolver reads fits into a packet") {
    LookupReply answer;
    answer.names.assign(32, std::string(255, 'a'));
    answer.addresses = addresses(max_results);
    answer.detail = std::string(max_text, 'x');
    const auto got = through(answer);
    REQUIRE(got);
    CHECK(got->names == answer.names);
    CHECK(got->addresses == answer.addresses);
}

TEST_CASE("a detail that is too long is cut, the answer is not lost for it") {
    LookupReply answer = full_answer();
    answer.detail = std::string(max_text + 1, 'x');
    const auto got = through(answer);
    REQUIRE(got);
    CHECK(got->detail == std::string(max_text, 'x'));
    CHECK(got->names == answer.names);
}

TEST_CASE("the bytes of names are kept whatever they are") {
    const std::string odd("a\0b\xff\n", 5);
    CHECK(through(NameUpdate{odd, false, {}})->name == odd);
}
