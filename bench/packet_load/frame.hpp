#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace packet {

using Mac = std::array<std::uint8_t, 6>;

/// Where a datagram comes from and goes to; host byte order.
struct Path {
    std::uint32_t from = 0, to = 0;
    std::uint16_t from_port = 0, to_port = 0;

    bool operator==(const Path&) const = default;
};

/// A UDP datagram of a received Ethernet frame; the payload points into the frame.
struct Datagram {
    Path path;
    std::span<const std::byte> payload;
};

/// Ethernet, IPv4 without options, and UDP.
constexpr std::size_t headers_size = 14 + 20 + 8;

/// Writes the headers in front of a payload that is already in its place, headers_size bytes from the start,
/// with both checksums. `frame` is headers and payload.
void write_headers(std::span<std::byte> frame, const Mac& to, const Mac& from, const Path& path);

/// The datagram of a frame; nothing if it is not an unfragmented IPv4 UDP datagram with consistent lengths.
/// UDP checksums are not verified: over veth the kernel leaves them unfinished.
std::optional<Datagram> read_frame(std::span<const std::byte> frame);

}  // namespace packet
