#pragma once

#include <cstdint>

#include "bench/load/schedule.hpp"

namespace packet {

/// Which flow sends datagram i of a phase, and when: an open loop, so a slow reply never delays the next
/// datagram. The datagrams of a train have one flow and one due time.
struct Plan {
    std::uint64_t rate = 1000;  ///< datagrams a second; 0: all are due at once
    std::uint64_t count = 0;    ///< datagrams of the phase
    std::uint64_t end = 0;      ///< nanoseconds after which nothing is sent; 0: no such limit
    std::uint32_t flows = 1;    ///< 0: a new flow for each train
    std::uint32_t train = 1;

    [[nodiscard]] std::uint32_t flow(std::uint64_t number) const {
        const std::uint64_t train_number = number / train;
        return static_cast<std::uint32_t>(flows == 0 ? train_number : train_number % flows);
    }

    /// Nanoseconds since the start of the phase.
    [[nodiscard]] std::uint64_t due(std::uint64_t number) const {
        return rate == 0 ? 0 : load::Schedule{rate, 1}.due(number / train * train);
    }

    [[nodiscard]] bool is_over(std::uint64_t number, std::uint64_t now) const {
        return number >= count || (end > 0 && now >= end);
    }
};

}  // namespace packet
