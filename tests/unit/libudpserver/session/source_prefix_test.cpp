#include "libudpserver/session/source_prefix.hpp"

#include <catch2/catch.hpp>

using session::source_prefix;

namespace {

base::Address address(const char* text, std::uint32_t scope = 0) {
    base::Address made = *base::parse_address(text);
    made.scope = scope;
    return made;
}

}  // namespace

TEST_CASE("an IPv6 host is counted by its /64, an IPv4 host by its address [B-2]") {
    CHECK(source_prefix(address("2001:db8::1")) == source_prefix(address("2001:db8::2")));
    CHECK(source_prefix(address("2001:db8::1")) != source_prefix(address("2001:db8:0:1::1")));
    CHECK(source_prefix(address("192.0.2.1")) != source_prefix(address("192.0.2.2")));
}

TEST_CASE("neighbours on a link are counted one by one, although they share fe80::/64 [B-2]") {
    CHECK(source_prefix(address("fe80::1", 2)) == source_prefix(address("fe80::1", 2)));
    CHECK(source_prefix(address("fe80::1", 2)) != source_prefix(address("fe80::2", 2)));
    CHECK(source_prefix(address("fe80::1", 2)) != source_prefix(address("fe80::1", 3)));
    // An interface identifier can look like the prefix of another host.
    CHECK(source_prefix(address("fe80::2001:db8:0:1", 2)) != source_prefix(address("2001:db8:0:1::")));
    // Their network is the link.
    CHECK(source_prefix(address("fe80::1", 2), 24, 48) == source_prefix(address("fe80::2", 2), 24, 48));
    CHECK(source_prefix(address("fe80::1", 2), 24, 48) != source_prefix(address("fe80::1", 3), 24, 48));
}
