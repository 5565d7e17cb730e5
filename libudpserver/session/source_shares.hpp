#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "libudpserver/session/record.hpp"
#include "libudpserver/session/source_prefix.hpp"

namespace session {

/// Sessions that may be evicted: no reply yet, or nothing from the client since the first reply.
enum class EvictableClass : std::uint8_t { unanswered, unconfirmed };

/// How many evictable sessions each source address (IPv4: /32, IPv6: /64) has, and in which order they came.
/// Everything is O(1); all memory is allocated by the constructor.
class SourceShares {
public:
    /// For slots [first, first + entries). `heavy`: from how many sessions of a class on a source counts as
    /// heavy.
    SourceShares(std::size_t entries, Slot first, std::array<std::size_t, 2> heavy);

    /// The slot must not be in.
    void push(Slot slot, const base::Address& source, EvictableClass of);
    /// Does nothing when it is not in.
    void remove(Slot slot);

    /// The oldest session of the source if it is heavy, otherwise `none`.
    [[nodiscard]] Slot oldest_if_heavy(const base::Address& source, EvictableClass of) const;
    /// The oldest session of the heaviest source, `none` if no source is heavy.
    [[nodiscard]] Slot oldest_of_heaviest(EvictableClass of) const;

private:
    using Index = std::uint32_t;

    struct Link {
        Slot previous = none, next = none;  ///< of the same source; indices into links_
        Index source = none;
    };
    struct Source {
        SourcePrefix prefix;
        EvictableClass of = EvictableClass::unanswered;
        Slot head = none, tail = none;
        std::uint32_t count = 0;
        Index next = none;   ///< in its bucket, or in the list of free ones
        Index heavy = none;  ///< its place among the heavy ones
    };

    [[nodiscard]] std::size_t bucket_of(const SourcePrefix& prefix, EvictableClass of) const;
    [[nodiscard]] Index find(const SourcePrefix& prefix, EvictableClass of) const;
    Index add(const SourcePrefix& prefix, EvictableClass of);
    void forget(Index source);
    void update_heavy(Index source);
    [[nodiscard]] std::vector<Index>& heavy_of(EvictableClass of) {
        return heavy_[static_cast<std::size_t>(of)];
    }

    Slot first_;
    std::array<std::size_t, 2> heavy_from_;
    base::SipKey key_ = base::random_key();
    std::vector<Link> links_;
    std::vector<Source> sources_;
    std::vector<Index> buckets_;
    Index free_ = none;
    std::array<std::vector<Index>, 2> heavy_;  ///< few: each has a large part of its class
};

}  // namespace session
