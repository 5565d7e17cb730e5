#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "libudpserver/ipc/codec.hpp"

using namespace ipc;

namespace {

std::span<const std::byte> as_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

base::Endpoint some_endpoint() {
    base::Endpoint endpoint;
    for (std::size_t i = 0; i < endpoint.bytes.size(); ++i)
        endpoint.bytes[i] = static_cast<std::uint8_t>(i + 1);
    endpoint.scope = 7;
    endpoint.port = 5353;
    endpoint.family = base::Family::v6;
    return endpoint;
}

// One field of each kind, so that every width can be cut.
Encoder one_of_each() {
    Encoder out;
    out.u8(1).u16(2).u32(3).u64(4).i32(-5).bytes(as_bytes("six")).string("seven").endpoint(some_endpoint());
    return out;
}

void read_one_of_each(Decoder& in) {
    in.u8();
    in.u16();
    in.u32();
    in.u64();
    in.i32();
    in.bytes();
    in.string();
    in.endpoint();
}

}  // namespace

TEST_CASE("what an encoder writes a decoder reads back") {
    Encoder out;
    out.u8(0xfe)
        .u16(0xfedc)
        .u32(0xfedcba98)
        .u64(0xfedcba9876543210)
        .i32(-1)
        .i32(std::numeric_limits<int>::min());
    out.bytes(as_bytes("a\0b")).string("").string("text").endpoint(some_endpoint()).endpoint({});
    REQUIRE(out.ok());

    Decoder in(out.data());
    CHECK(in.u8() == 0xfe);
    CHECK(in.u16() == 0xfedc);
    CHECK(in.u32() == 0xfedcba98);
    CHECK(in.u64() == 0xfedcba9876543210);
    CHECK(in.i32() == -1);
    CHECK(in.i32() == std::numeric_limits<int>::min());
    CHECK(in.bytes().size() == 1);  // as_bytes took the text up to its zero
    CHECK(in.string().empty());
    CHECK(in.string() == "text");
    CHECK(in.endpoint() == some_endpoint());
    CHECK_FALSE(in.done());
    CHECK(in.endpoint() == base::Endpoint());
    CHECK(in.done());
}

TEST_CASE("numbers are little-endian") {
    Encoder out;
    out.u32(0x01020304);
    REQUIRE(out.data().size() == 4);
    CHECK(std::to_integer<int>(out.data()[0]) == 4);
    CHECK(std::to_integer<int>(out.data()[3]) == 1);
}

TEST_CASE("a packet cut at any place is not done, and everything after the cut is empty") {
    const Encoder out = one_of_each();
    for (std::size_t length = 0; length < out.data().size(); ++length) {
        Decoder in(out.data().first(length));
        read_one_of_each(in);
        CHECK_FALSE(in.ok());
        CHECK_FALSE(in.done());
        CHECK(in.u64() == 0);
        CHECK(in.bytes().empty());
        CHECK(in.string().empty());
        CHECK(in.endpoint() == base::Endpoint());
    }
    Decoder whole(out.data());
    read_one_of_each(whole);
    CHECK(whole.done());
}

TEST_CASE("bytes that are left over are not done but no failure by themselves") {
    Encoder out;
    out.u16(1).u8(2);
    Decoder in(out.data());
    in.u16();
    CHECK(in.ok());
    CHECK_FALSE(in.done());
}

TEST_CASE("a failure stays: bytes that would fit are not read any more") {
    Encoder out;
    out.u8(7).u8(8);
    Decoder in(out.data());
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);
    Decoder told(out.data());
    told.fail();
    CHECK(told.u8() == 0);
    CHECK_FALSE(told.done());
}

TEST_CASE("a length that points behind the end is refused") {
    Encoder out;
    out.u16(0xffff).u8(1);
    Decoder in(out.data());
    CHECK(in.string().empty());
    CHECK_FALSE(in.ok());
    Decoder again(out.data());
    CHECK(again.bytes().empty());
    CHECK_FALSE(again.ok());
}

TEST_CASE("an endpoint of an unknown family is refused") {
    Encoder out;
    base::Endpoint strange = some_endpoint();
    strange.family = static_cast<base::Family>(5);
    out.endpoint(strange);
    Decoder in(out.data());
    CHECK(in.endpoint() == base::Endpoint());
    CHECK_FALSE(in.ok());
}

TEST_CASE("an empty decoder is done at once") {
    CHECK(Decoder().done());
    Decoder in;
    in.u8();
    CHECK_FALSE(in.ok());
}

TEST_CASE("an encoder that is full stays not ok and keeps what fitted") {
    const std::size_t room = max_packet - header_size;
    Encoder out;
    out.string(std::string(room - 2, 'x'));
    CHECK(out.ok());
    CHECK(out.data().size() == room);
    out.u8(1);
    CHECK_FALSE(out.ok());
    CHECK(out.data().size() == room);

    Encoder by_one;
    by_one.string(std::string(room - 1, 'x'));
    CHECK_FALSE(by_one.ok());
    CHECK(by_one.data().empty());
    by_one.u8(1);
    CHECK_FALSE(by_one.ok());
    CHECK(by_one.data().empty());
}

TEST_CASE("a string longer than its length field is refused") {
    Encoder out;
    out.string(std::string(0x10000, 'x'));
    CHECK_FALSE(out.ok());
}

TEST_CASE("an endpoint that does not fit writes no part of itself") {
    Encoder out;
    out.string(std::string(max_packet - header_size - 2 - 22, 'x'));
    const auto before = out.data().size();
    out.endpoint(some_endpoint());
    CHECK_FALSE(out.ok());
    CHECK(out.data().size() == before);
}

TEST_CASE("a header is eight bytes with a zero in the middle") {
    Encoder out;
    encode(out, Header{3, 0, 77});
    REQUIRE(out.data().size() == header_size);
    Decoder in(out.data());
    const Header header = decode_header(in);
    CHECK(in.done());
    CHECK(header.type == 3);
    CHECK(header.id == 77);

    Encoder bad;
    encode(bad, Header{3, 1, 77});
    Decoder refused(bad.data());
    decode_header(refused);
    CHECK_FALSE(refused.ok());

    Decoder cut(out.data().first(header_size - 1));
    decode_header(cut);
    CHECK_FALSE(cut.ok());
}

TEST_CASE("a writer can make the packet fail for good") {
    Encoder out;
    out.u8(1);
    out.fail();
    CHECK_FALSE(out.ok());
    out.u8(2).string("more");
    CHECK_FALSE(out.ok());
}
