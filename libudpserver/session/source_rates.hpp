#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/clock.hpp"
#include "base/token_bucket.hpp"
#include "conf/config.hpp"
#include "libudpserver/session/source_prefix.hpp"

namespace session {

/// Without `burst`, a second's worth.
[[nodiscard]] inline base::Rate rate_of(const conf::DatagramRate& limit) {
    return {limit.rate, std::max(limit.burst > 0 ? limit.burst : limit.rate, 1u)};
}

/// Limits the datagrams of each source address (/32, /64) and network (/24, /48), over all its sessions. Each
/// worker has its own, with rates and bursts divided by the number of workers and rounded up. The tables have
/// a fixed size; a source takes the place of the one with the most tokens, so no flood of sources frees a
/// heavy one.
class SourceRates {
public:
    /// `sessions`: of this worker; the tables have room for twice as many sources.
    SourceRates(const conf::UdpServer& settings, std::size_t sessions);

    /// One datagram of the source. False: beyond a rate; nothing was taken.
    [[nodiscard]] bool take(const base::Address& source, base::Instant now) {
        return !is_on_ || take_from_tables(source, now);
    }
    /// What take() would return, negated; without effect.
    [[nodiscard]] bool is_over(const base::Address& source, base::Instant now) const;

private:
    struct Entry {
        SourcePrefix source;
        base::TokenBucket bucket;
    };
    struct Table {
        base::Rate rate;
        unsigned v4_prefix, v6_prefix;
        std::vector<Entry> entries;  ///< empty: no limit
    };
    static constexpr std::size_t ways = 8;

    [[nodiscard]] bool take_from_tables(const base::Address& source, base::Instant now);
    [[nodiscard]] std::size_t set_of(const Table& table, const SourcePrefix& source) const;
    Entry& place(Table& table, const base::Address& source);

    base::SipKey key_ = base::random_key();
    std::array<Table, 2> tables_;
    bool is_on_ = false;
};

}  // namespace session
