#include "libudpserver/net/udp_header.hpp"

#include <arpa/inet.h>

#include <cstring>

namespace net {

namespace {

/// Sums the words of 16 bits in the machine's byte order, which the result has too (RFC 1071).
std::uint64_t sum_of(const std::byte* bytes, std::size_t size) {
    std::uint64_t sum = 0;
    for (; size >= 4; size -= 4, bytes += 4) {
        std::uint32_t word;
        std::memcpy(&word, bytes, sizeof word);
        sum += word;
    }
    std::uint32_t rest = 0;
    if (size > 0) std::memcpy(&rest, bytes, size);  // an empty payload may be nowhere
    return sum + rest;
}

std::uint64_t sum_of(const base::Endpoint& endpoint) {
    return sum_of(reinterpret_cast<const std::byte*>(endpoint.bytes.data()), 4);
}

}  // namespace

UdpHeader::UdpHeader(const base::Endpoint& from, const base::Endpoint& server,
                     std::span<const std::byte> payload)
    : source(htons(from.port)),
      to(htons(server.port)),
      length(htons(static_cast<std::uint16_t>(sizeof(UdpHeader) + payload.size()))) {
    if (server.family != base::Family::v4) return;
    std::uint64_t sum = sum_of(payload.data(), payload.size()) + sum_of(from) + sum_of(server);
    sum += std::uint64_t{source} + to + length + length + htons(IPPROTO_UDP);
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    // Zero would mean that there is none.
    const auto inverted = static_cast<std::uint16_t>(~sum);
    checksum = inverted == 0 ? 0xffff : inverted;
}

}  // namespace net
