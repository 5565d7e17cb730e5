#pragma once

#include <cstdint>
#include <string>

#include "bench/load/histogram.hpp"
#include "bench/udp_load/options.hpp"

namespace load {

/// The figures of a run.
struct Result {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;  ///< datagrams answered, duplicates not counted
    std::uint64_t wrong = 0;     ///< answers that belong to another client, another run or another socket
    std::uint64_t corrupt = 0;   ///< answers whose bytes are not those that were sent
    std::uint64_t duplicates = 0;
    std::uint64_t unreachable = 0;  ///< ICMP errors that came back
    std::uint64_t not_sent = 0;     ///< the kernel would not take them; they count as sent and lost
    double seconds = 0;             ///< of sending
    Histogram latency;              ///< from the moment a datagram should have been sent, nanoseconds

    [[nodiscard]] std::uint64_t lost() const { return sent - received; }
    [[nodiscard]] double loss_percent() const;
    [[nodiscard]] bool good(const Options& options) const;

    [[nodiscard]] std::string to_json() const;
    [[nodiscard]] std::string to_text() const;
};

}  // namespace load
