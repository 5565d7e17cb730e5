#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace load {

/// What a datagram carries. The whole payload, header and filling, is a function of these fields and its
/// size, so that an answer can be compared byte for byte without keeping what was sent.
struct Payload {
    static constexpr std::size_t header_size = 32;

    std::uint64_t nonce = 0;  ///< random, one for each run: identifies answers from an earlier run
    std::uint32_t client = 0;
    std::uint64_t sequence = 0;  ///< of this client, from 0
    std::uint64_t due = 0;       ///< when it should be sent, nanoseconds since the start of the run

    bool operator==(const Payload&) const = default;

    /// Fills `out`, which has at least header_size bytes.
    void write(std::span<std::byte> out) const;

    /// Nothing when the bytes are no payload of udp-load at all.
    static std::optional<Payload> read(std::span<const std::byte> bytes);
};

}  // namespace load
