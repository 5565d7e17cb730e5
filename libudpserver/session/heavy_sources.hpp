#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"
#include "libudpserver/session/source_prefix.hpp"

namespace session {

/// How many of the latest datagrams each of the heaviest sources (/32, /64) has sent. Counts after Misra and
/// Gries in sets of eight, in a table of a fixed size: a source is never counted too high, so no flood of
/// addresses makes a light source look heavy, and too low by at most a ninth of its set's datagrams.
class HeavySources {
public:
    HeavySources() : entries_(sets * ways) {}

    /// Counts a datagram. Returns how many the source has sent, 0 if it has no place.
    std::uint32_t add(const base::Address& source, base::Instant now);
    /// All datagrams that were counted.
    [[nodiscard]] std::uint64_t total() const { return total_; }

private:
    struct Entry {
        SourcePrefix source;
        std::uint32_t count = 0;  ///< 0: free
    };
    static constexpr std::size_t sets = 512, ways = 8;  ///< 96 KiB
    /// All counts are halved at this interval.
    static constexpr base::Duration half_life{100};

    void decay(base::Instant now);

    base::SipKey key_ = base::random_key();
    std::vector<Entry> entries_;
    std::uint64_t total_ = 0;
    base::Instant decayed_{};
};

}  // namespace session
