#include "libudpserver/net/icmp_report.hpp"

#include <catch2/catch.hpp>
#include <cerrno>
#include <vector>

namespace {

using Octets = std::vector<std::uint8_t>;

std::optional<net::IcmpReport> read(base::Family family, const Octets& octets) {
    return net::read_icmp(family, std::as_bytes(std::span(octets)));
}

/// An IPv4 message with a quoted datagram from 192.0.2.1:20000 to 198.51.100.2:53.
Octets message_v4(std::uint8_t type, std::uint8_t code) {
    Octets octets{0x45, 0, 0,   56, 0, 0, 0,    0,    64, 1, 0, 0, 198, 51,
                  100,  2, 192, 0,  2, 1, type, code, 0,  0, 0, 0, 0,   0};
    const Octets quoted{0x45, 0, 0,   36, 0,   0, 0,    0,    64, 17, 0, 0,  192, 0,
                        2,    1, 198, 51, 100, 2, 0x4e, 0x20, 0,  53, 0, 16, 0,   0};
    octets.insert(octets.end(), quoted.begin(), quoted.end());
    return octets;
}

Octets message_v6(std::uint8_t type, std::uint8_t code, bool is_fragment = false) {
    Octets octets{
        type, code, 0, 0, 0, 0, 0, 0, 0x60, 0, 0, 0, 0, 16, static_cast<std::uint8_t>(is_fragment ? 44 : 17),
        64};
    for (const std::uint8_t last : {std::uint8_t{1}, std::uint8_t{2}}) {
        octets.insert(octets.end(), {0x20, 0x01, 0x0d, 0xb8});
        octets.insert(octets.end(), 11, 0);
        octets.push_back(last);
    }
    if (is_fragment) octets.insert(octets.end(), {17, 0, 0, 1, 0, 0, 0, 1});
    octets.insert(octets.end(), {0x4e, 0x20, 0, 53, 0, 16, 0, 0});
    return octets;
}

}  // namespace

TEST_CASE("an ICMP error names the datagram and the errno of a connected socket") {
    const auto report = read(base::Family::v4, message_v4(3, 3));
    REQUIRE(report);
    CHECK(report->error == ECONNREFUSED);
    CHECK(report->source == *base::parse_endpoint("192.0.2.1:20000"));
    CHECK(report->server == *base::parse_endpoint("198.51.100.2:53"));
    CHECK(read(base::Family::v4, message_v4(3, 1))->error == EHOSTUNREACH);
    CHECK(read(base::Family::v4, message_v4(11, 0))->error == EHOSTUNREACH);

    const auto v6 = read(base::Family::v6, message_v6(1, 4));
    REQUIRE(v6);
    CHECK(v6->error == ECONNREFUSED);
    CHECK(v6->source == *base::parse_endpoint("[2001:db8::1]:20000"));
    CHECK(v6->server == *base::parse_endpoint("[2001:db8::2]:53"));
    CHECK(read(base::Family::v6, message_v6(1, 4, true))->server == v6->server);
}

TEST_CASE("only a message that the kernel accepts counts as delivered") {
    Octets octets = message_v4(3, 3);
    CHECK(!read(base::Family::v4, octets)->is_delivered);  // no checksum
    std::uint32_t sum = 0;
    for (std::size_t at = 20; at < octets.size(); at += 2)
        sum += static_cast<std::uint32_t>(octets[at] << 8 | octets[at + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~(sum + (sum >> 16)) & 0xffff;
    octets[22] = static_cast<std::uint8_t>(sum >> 8);
    octets[23] = static_cast<std::uint8_t>(sum);
    CHECK(read(base::Family::v4, octets)->is_delivered);
    octets[23] ^= 1;
    CHECK(!read(base::Family::v4, octets)->is_delivered);
}

TEST_CASE("messages that quote nothing are none, those that report no error have none") {
    CHECK(!read(base::Family::v4, message_v4(8, 0)));  // echo
    CHECK(!read(base::Family::v6, message_v6(135, 0)));
    CHECK(read(base::Family::v4, message_v4(3, 4))->error == 0);   // too big: the kernel learns from it
    CHECK(read(base::Family::v4, message_v4(3, 77))->error == 0);  // unknown code
    CHECK(read(base::Family::v4, message_v4(5, 1))->error == 0);   // redirect
    CHECK(read(base::Family::v6, message_v6(2, 0))->error == 0);
}

TEST_CASE("quotes that cannot be ours are none") {
    const std::size_t quoted = 28;
    for (const auto& [at, value] : std::initializer_list<std::pair<std::size_t, std::uint8_t>>{
             {0, 0x41},           // a header shorter than any
             {0, 0x4f},           // options that are not there
             {quoted, 0x65},      // IPv6 in IPv4
             {quoted, 0x41},      // a quoted header shorter than any
             {quoted, 0x4f},      // quoted options that are not there
             {quoted + 7, 9},     // not the first fragment
             {quoted + 9, 6}}) {  // TCP
        Octets octets = message_v4(3, 3);
        octets[at] = value;
        CHECK(!read(base::Family::v4, octets));
    }
    Octets tcp = message_v6(1, 4);
    tcp[14] = 6;
    CHECK(!read(base::Family::v6, tcp));
}

TEST_CASE("a message that is cut anywhere is read within its bounds") {
    for (const base::Family family : {base::Family::v4, base::Family::v6}) {
        const Octets whole = family == base::Family::v4 ? message_v4(3, 3) : message_v6(1, 4, true);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            // In memory of its own, so that a sanitizer sees what is read beyond it.
            const Octets part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            static_cast<void>(read(family, part));
        }
        CHECK(read(family, whole));
    }
}
