#include "libudpserver/net/udp_header.hpp"

#include <arpa/inet.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <vector>

namespace {

const base::Endpoint source = *base::parse_endpoint("192.0.2.1:20000");
const base::Endpoint server = *base::parse_endpoint("198.51.100.2:53");

/// The sum that a receiver makes of pseudo header, header and payload, one octet after the other (RFC 768).
std::uint16_t sum_at_receiver(const net::UdpHeader& header, const std::vector<std::byte>& payload) {
    std::vector<std::uint8_t> octets(source.bytes.begin(), source.bytes.begin() + 4);
    octets.insert(octets.end(), server.bytes.begin(), server.bytes.begin() + 4);
    const unsigned length = ntohs(header.length);
    for (const unsigned octet : {0u, 17u, length >> 8, length & 0xff})
        octets.push_back(static_cast<std::uint8_t>(octet));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&header);
    octets.insert(octets.end(), bytes, bytes + sizeof header);
    for (const std::byte byte : payload)
        octets.push_back(std::to_integer<std::uint8_t>(byte));
    if (octets.size() % 2 != 0) octets.push_back(0);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < octets.size(); i += 2)
        sum += static_cast<std::uint64_t>(octets[i] << 8 | octets[i + 1]);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(sum);
}

}  // namespace

TEST_CASE("the checksum of a UDP header is right for every length, also the longest") {
    for (std::size_t size = 0; size <= 67; ++size) {
        std::vector<std::byte> payload(size);
        for (std::size_t i = 0; i < size; ++i)
            payload[i] = static_cast<std::byte>(i * 37 + 200);
        CHECK(sum_at_receiver(net::UdpHeader(source, server, payload), payload) == 0xffff);
    }
    const std::vector<std::byte> longest(65'507, std::byte{0xff});
    const net::UdpHeader header(source, server, longest);
    CHECK(sum_at_receiver(header, longest) == 0xffff);
    CHECK(ntohs(header.length) == 65'515);
    CHECK(ntohs(header.source) == 20'000);
    CHECK(ntohs(header.to) == 53);
}

TEST_CASE("a checksum that would be zero is sent as its other form") {
    // Two octets that make the sum all ones.
    std::vector<std::byte> payload(2);
    const net::UdpHeader without(source, server, payload);
    std::memcpy(payload.data(), &without.checksum, 2);
    CHECK(net::UdpHeader(source, server, payload).checksum == 0xffff);
}

TEST_CASE("the kernel makes the checksum for IPv6") {
    const net::UdpHeader header(*base::parse_endpoint("[::1]:1"), *base::parse_endpoint("[::1]:2"), {});
    CHECK(header.checksum == 0);
    CHECK(ntohs(header.length) == 8);
}
