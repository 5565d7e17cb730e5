#include "bench/packet_load/frame.hpp"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>

#include <cstring>

namespace packet {

namespace {

constexpr std::size_t ip_at = sizeof(ether_header), udp_at = ip_at + sizeof(iphdr);
static_assert(headers_size == udp_at + sizeof(udphdr));

// The ones' complement sum of 16-bit words in network byte order (RFC 1071), not yet folded. Sums of 32-bit
// words fold to the same value.
std::uint64_t sum_of(std::span<const std::byte> bytes) {
    std::uint64_t sum = 0;
    std::size_t at = 0;
    for (; at + 4 <= bytes.size(); at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        sum += word;
    }
    std::uint32_t rest = 0;
    std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
    return sum + rest;
}

std::uint16_t folded(std::uint64_t sum) {
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

iphdr ip_header(std::size_t length, const Path& path) {
    iphdr ip{};
    ip.version = 4;
    ip.ihl = sizeof ip / 4;
    ip.tot_len = htons(static_cast<std::uint16_t>(length));
    ip.frag_off = htons(IP_DF);
    ip.ttl = 64;
    ip.protocol = IPPROTO_UDP;
    ip.saddr = htonl(path.from);
    ip.daddr = htonl(path.to);
    ip.check = folded(sum_of(std::as_bytes(std::span(&ip, 1))));
    return ip;
}

udphdr udp_header(std::span<const std::byte> payload, const iphdr& ip, const Path& path) {
    udphdr udp{};
    udp.source = htons(path.from_port);
    udp.dest = htons(path.to_port);
    udp.len = htons(static_cast<std::uint16_t>(sizeof udp + payload.size()));
    const std::uint64_t pseudo = std::uint64_t{ip.saddr} + ip.daddr + htons(IPPROTO_UDP) + udp.len;
    const auto sum = folded(pseudo + sum_of(std::as_bytes(std::span(&udp, 1))) + sum_of(payload));
    udp.check = sum == 0 ? std::uint16_t{0xffff} : sum;  // zero stands for "no checksum"
    return udp;
}

template <typename Header>
Header header_at(std::span<const std::byte> frame, std::size_t at) {
    Header header{};
    std::memcpy(&header, frame.data() + at, sizeof header);
    return header;
}

bool is_plain_udp(const ether_header& ethernet, const iphdr& ip) {
    return ethernet.ether_type == htons(ETHERTYPE_IP) && ip.version == 4 && ip.ihl == sizeof ip / 4 &&
           ip.protocol == IPPROTO_UDP && (ntohs(ip.frag_off) & (IP_MF | IP_OFFMASK)) == 0;
}

}  // namespace

void write_headers(std::span<std::byte> frame, const Mac& to, const Mac& from, const Path& path) {
    ether_header ethernet{};
    std::memcpy(ethernet.ether_dhost, to.data(), to.size());
    std::memcpy(ethernet.ether_shost, from.data(), from.size());
    ethernet.ether_type = htons(ETHERTYPE_IP);
    const auto ip = ip_header(frame.size() - ip_at, path);
    const auto udp = udp_header(frame.subspan(headers_size), ip, path);
    std::memcpy(frame.data(), &ethernet, sizeof ethernet);
    std::memcpy(frame.data() + ip_at, &ip, sizeof ip);
    std::memcpy(frame.data() + udp_at, &udp, sizeof udp);
}

std::optional<Datagram> read_frame(std::span<const std::byte> frame) {
    if (frame.size() < headers_size) return std::nullopt;
    const auto ip = header_at<iphdr>(frame, ip_at);
    if (!is_plain_udp(header_at<ether_header>(frame, 0), ip)) return std::nullopt;
    const auto udp = header_at<udphdr>(frame, udp_at);
    const std::size_t length = ntohs(udp.len);
    if (length < sizeof udp || ntohs(ip.tot_len) != sizeof ip + length || frame.size() < udp_at + length)
        return std::nullopt;
    const Path path{ntohl(ip.saddr), ntohl(ip.daddr), ntohs(udp.source), ntohs(udp.dest)};
    return Datagram{path, frame.subspan(headers_size, length - sizeof udp)};
}

}  // namespace packet
