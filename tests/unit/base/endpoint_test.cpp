#include "base/endpoint.hpp"

#include <net/if.h>

#include <catch2/catch.hpp>

using namespace base;

namespace {

std::string round_trip(std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint ? to_string(*endpoint) : "refused";
}

std::string network(std::string_view text, unsigned prefix) {
    return to_string(network_of(*parse_address(text), prefix));
}

Endpoint through_kernel_form(const Endpoint& endpoint) {
    sockaddr_storage storage;
    const auto length = to_sockaddr(endpoint, storage);
    return from_sockaddr(storage, length);
}

}  // namespace

TEST_CASE("addresses and endpoints are read back as they are written") {
    for (const auto* text :
         {"192.0.2.1:53", "0.0.0.0:0", "255.255.255.255:65535", "[2001:db8::1]:53", "[::]:1"}) {
        CHECK(round_trip(text) == text);
        CHECK(through_kernel_form(*parse_endpoint(text)) == *parse_endpoint(text));
    }
    CHECK(to_string(*parse_address("2001:DB8:0:0::1")) == "2001:db8::1");
    CHECK(to_string(Address{}) == "none");
    CHECK(to_string(Endpoint{}) == "none");
}

TEST_CASE("IPv6 whose last group may be a port is recognised [G-1]") {
    const auto meant = [](std::string_view text) {
        const auto endpoint = unbracketed_endpoint(text);
        return endpoint ? to_string(*endpoint) : "nothing";
    };
    CHECK(meant("::1:53") == "[::1]:53");
    CHECK(meant("2001:db8::1:5353") == "[2001:db8::1]:5353");
    for (const char* text : {"::1", "2001:db8::53", "2001:db8:1:2:3:4:5:6", "::1:0", "::1:f0", "::1:053",
                             "[::1]:53", "10.0.0.1:53", "::ffff:10.0.0.1", "", ":", "::"})
        CHECK(meant(text) == "nothing");
}

TEST_CASE("link-local addresses need an interface [G-1]") {
    for (const char* text : {"fe80::1", "febf::1", "ff02::fb", "ff01::1"})
        CHECK(needs_scope(*parse_address(text)));
    for (const char* text : {"fec0::1", "2001:db8::1", "::1", "ff05::2", "169.254.0.1", "224.0.0.251"})
        CHECK_FALSE(needs_scope(*parse_address(text)));
}

TEST_CASE("a v4-mapped address becomes IPv4 in every way it can come in [L-13]") {
    CHECK(*parse_address("::ffff:192.0.2.1") == *parse_address("192.0.2.1"));
    CHECK(round_trip("[::ffff:192.0.2.1]:53") == "192.0.2.1:53");

    sockaddr_storage storage{};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(53);
    const std::uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    std::copy(std::begin(bytes), std::end(bytes), v6.sin6_addr.s6_addr);
    v6.sin6_scope_id = 7;
    CHECK(from_sockaddr(storage, sizeof v6) == *parse_endpoint("192.0.2.1:53"));
}

TEST_CASE("an address in the kernel's form that proxyd does not know has no family [L-21]") {
    sockaddr_storage storage{};
    CHECK(from_sockaddr(storage, sizeof storage).family == Family::none);
    storage.ss_family = AF_UNIX;
    CHECK(from_sockaddr(storage, sizeof storage).family == Family::none);
    storage.ss_family = AF_INET;
    CHECK(from_sockaddr(storage, sizeof(sockaddr_in) - 1).family == Family::none);
    CHECK(from_sockaddr(storage, 0).family == Family::none);
    storage.ss_family = AF_INET6;
    CHECK(from_sockaddr(storage, sizeof(sockaddr_in)).family == Family::none);
    CHECK(to_sockaddr(Endpoint{}, storage) == 0);
    CHECK(storage.ss_family == AF_UNSPEC);
}

TEST_CASE("link-local addresses keep their scope, others have none") {
    const auto loopback = ::if_nametoindex("lo");
    REQUIRE(loopback != 0);
    const auto address = parse_address("fe80::1%lo");
    REQUIRE(address);
    CHECK(address->scope == loopback);
    CHECK(to_string(*address) == "fe80::1%lo");
    CHECK(round_trip("[fe80::1%lo]:53") == "[fe80::1%lo]:53");
    CHECK(*parse_address("fe80::1%" + std::to_string(loopback)) == *address);
    CHECK(to_string(*parse_address("fe80::1%4000000000")) == "fe80::1%4000000000");
    CHECK(through_kernel_form(Endpoint(*address, 5)).scope == loopback);
    CHECK(parse_address("ff02::1%lo")->scope == loopback);
    CHECK_FALSE(*address == *parse_address("fe80::1"));

    for (const auto* bad :
         {"2001:db8::1%lo", "fe80::1%", "fe80::1%no-such-link", "fe80::1%0", "fe80::1%4294967296",
          "192.0.2.1%lo", "::ffff:192.0.2.1%lo", "fe80::1%lo%lo", "fe80::1%-1"})
        CHECK_FALSE(parse_address(bad));
}

TEST_CASE("a scope of a global address from the kernel is dropped, so that keys compare") {
    sockaddr_storage storage;
    const auto endpoint = *parse_endpoint("[2001:db8::1]:53");
    const auto length = to_sockaddr(endpoint, storage);
    reinterpret_cast<sockaddr_in6&>(storage).sin6_scope_id = 3;
    CHECK(from_sockaddr(storage, length) == endpoint);
}

TEST_CASE("what is no address is refused") {
    using namespace std::string_view_literals;
    for (const auto bad :
         {""sv, " "sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1 "sv, " 192.0.2.1"sv, "192.0.2.01"sv,
          "192.0.2.1.1"sv, "0x7f.1"sv, "2001:db8:::1"sv, "[::1]"sv, "::1::"sv, "example.com"sv,
          "192.0.2.1\0junk"sv, "::1\0"sv, "12345"sv, "1:2:3:4:5:6:7:8:9"sv, "-1.0.0.0"sv})
        CHECK_FALSE(parse_address(bad));
    CHECK_FALSE(parse_address(std::string(100'000, '1')));
}

TEST_CASE("what is no endpoint is refused") {
    for (const auto* bad : {"",
                            ":",
                            ":53",
                            "192.0.2.1",
                            "192.0.2.1:",
                            "192.0.2.1:65536",
                            "192.0.2.1:-1",
                            "192.0.2.1:+1",
                            "192.0.2.1: 53",
                            "192.0.2.1:53 ",
                            "192.0.2.1:053",
                            "192.0.2.1:5x",
                            "2001:db8::1:53",
                            "[::1]",
                            "[::1]53",
                            "[::1]:",
                            "[::1:53",
                            "::1]:53",
                            "[192.0.2.1]:53",
                            "[[::1]]:53",
                            "[]:53",
                            "name:53",
                            "192.0.2.1:99999999999999999999"})
        CHECK_FALSE(parse_endpoint(bad));
}

TEST_CASE("the network of an address is its first bits") {
    CHECK(network("192.0.2.129", 24) == "192.0.2.0");
    CHECK(network("192.0.2.129", 25) == "192.0.2.128");
    CHECK(network("192.0.2.129", 0) == "0.0.0.0");
    CHECK(network("192.0.2.129", 32) == "192.0.2.129");
    CHECK(network("192.0.2.129", 99) == "192.0.2.129");
    CHECK(network("2001:db8:1:2:3::4", 48) == "2001:db8:1::");
    CHECK(network("2001:db8:1:2:3::4", 64) == "2001:db8:1:2::");
    CHECK(network("2001:db8:1:2:3::4", 128) == "2001:db8:1:2:3::4");
    CHECK(network_of(*parse_address("fe80::1%lo"), 128).scope == 0);
    CHECK(network_of(Address{}, 8) == Address{});
}

TEST_CASE("any addresses are known as such") {
    CHECK(Address::any(Family::v4).is_any());
    CHECK(to_string(Address::any(Family::v6)) == "::");
    CHECK(*parse_address("0.0.0.0") == Address::any(Family::v4));
    CHECK_FALSE(Address::any(Family::v4) == Address::any(Family::v6));
    CHECK_FALSE(parse_address("0.0.0.1")->is_any());
    CHECK_FALSE(parse_address("::1")->is_any());
}
