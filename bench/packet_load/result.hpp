#pragma once

#include <cstdint>
#include <string>

#include "bench/load/histogram.hpp"

namespace packet {

/// The figures of the measured phase.
struct Result {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;      ///< datagrams with a reply, duplicates not counted
    std::uint64_t misdelivered = 0;  ///< replies that belong to another client, to none, or to another run
    std::uint64_t corrupt = 0;       ///< replies whose bytes are not those that were sent
    std::uint64_t duplicates = 0;
    std::uint64_t late = 0;       ///< replies to datagrams of the warm-up
    std::uint64_t overrun = 0;    ///< frames that the kernel dropped because this program was too slow
    std::uint64_t behind_ns = 0;  ///< the longest that a datagram left after it was due
    double seconds = 0;           ///< of sending
    load::Histogram latency{};    ///< from the moment a datagram was due, nanoseconds

    [[nodiscard]] std::string to_json() const;
};

}  // namespace packet
