#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/load/client.hpp"
#include "bench/load/payload.hpp"
#include "bench/packet_load/flows.hpp"
#include "bench/packet_load/result.hpp"

namespace packet {

/// Remembers what each flow has sent and judges each reply: its address, its port and its payload must belong
/// to the same flow, and every byte must be as it was sent.
class Verifier {
public:
    Verifier(const Options& options, std::uint64_t nonce, Result& result);

    /// The payload of the flow's next datagram, which counts as sent.
    void write_next(std::uint32_t flow, std::uint64_t due, std::span<std::byte> out);

    /// Replies count from here on; those to earlier datagrams are `late` when they still come.
    void begin_measuring(std::uint64_t start);

    /// Counts a datagram that was received at `now`. One to another network is ignored: it belongs to another
    /// generator on this interface.
    void judge(const Datagram& datagram, std::uint64_t now);

private:
    void accept(const load::Payload& payload, std::uint64_t now);
    [[nodiscard]] bool is_intact(const load::Payload& payload, std::span<const std::byte> bytes);

    const Flows flows_;
    const std::uint64_t nonce_;
    std::uint64_t start_ = 0;  // of the measured phase; due times are on the same clock
    Result& result_;
    std::vector<load::Client> clients_;
    std::vector<std::byte> expected_;
};

}  // namespace packet
