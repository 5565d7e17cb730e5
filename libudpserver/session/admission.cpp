#include "libudpserver/session/admission.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <vector>

#include "base/token_bucket.hpp"
#include "libudpserver/session/confirmed_sources.hpp"

namespace session {

using base::Address;
using base::Family;
using base::Instant;

namespace {

/// Bounds of how many confirmed sources are remembered.
constexpr std::size_t min_confirmed = 1024, max_confirmed = std::size_t{1} << 16;

/// A limit's share of one worker; a limit that is set never becomes "no limit".
std::uint32_t share(std::uint32_t limit, unsigned workers) {
    const std::uint32_t parts = std::max(workers, 1u);
    return limit / parts + (limit % parts != 0 ? 1 : 0);
}

base::Rate rate_of(std::uint32_t per_second) {
    return {per_second, std::max(per_second, 1u)};
}

/// Sources at one prefix length. Set-associative: a source can be in `ways` places; of those without open
/// sessions the least recently used one is replaced.
class SourceTable {
public:
    struct Entry {
        SourcePrefix source;
        base::TokenBucket bucket;
        std::uint32_t open = 0;
        std::uint32_t used = 0;  ///< value of uses_ at the last use; ages are differences, so it may wrap
    };

    SourceTable(const conf::SourceLimits& limits, std::uint32_t sessions, unsigned workers,
                unsigned v4_prefix, unsigned v6_prefix)
        : rate_(rate_of(share(limits.new_per_second, workers))),
          open_limit_(share(limits.open, workers)),
          v4_prefix_(v4_prefix),
          v6_prefix_(v6_prefix) {
        const std::size_t wanted = std::bit_ceil(std::clamp<std::size_t>(2ul * sessions, 64, max_entries));
        if (limits.new_per_second > 0 || limits.open > 0) entries_.resize(wanted);
    }

    [[nodiscard]] bool on() const { return !entries_.empty(); }
    [[nodiscard]] base::Rate rate() const { return rate_; }
    [[nodiscard]] std::uint32_t open_limit() const { return open_limit_; }

    /// Null when the source has no place.
    Entry* find(const Address& source) {
        const Entry wanted = named(source);
        for (Entry& entry : set_of(wanted))
            if (entry.source == wanted.source) return &entry;
        return nullptr;
    }

    /// Finds or takes a place; null when sources with open sessions fill the set.
    Entry* place(const Address& source) {
        Entry* entry = find(source);
        if (entry == nullptr) {
            entry = victim(set_of(named(source)));
            if (entry == nullptr) return nullptr;
            *entry = named(source);
        }
        entry->used = ++uses_;
        return entry;
    }

private:
    static constexpr std::size_t ways = 8;
    static constexpr std::size_t max_entries = std::size_t{1} << 18;  ///< 8 MiB a table

    [[nodiscard]] Entry named(const Address& source) const {
        Entry entry;
        entry.source = source_prefix(source, v4_prefix_, v6_prefix_);
        return entry;
    }

    std::span<Entry> set_of(const Entry& wanted) {
        const std::uint64_t hash = wanted.source.hash(key_);
        return std::span(entries_).subspan(hash % (entries_.size() / ways) * ways, ways);
    }

    Entry* victim(std::span<Entry> set) {
        Entry* oldest = nullptr;
        for (Entry& entry : set) {
            if (entry.source.family == Family::none) return &entry;
            if (entry.open > 0) continue;
            if (oldest == nullptr || uses_ - entry.used > uses_ - oldest->used) oldest = &entry;
        }
        return oldest;
    }

    base::Rate rate_;
    std::uint32_t open_limit_;
    unsigned v4_prefix_, v6_prefix_;
    base::SipKey key_ = base::random_key();
    std::vector<Entry> entries_;
    std::uint32_t uses_ = 0;
};

}  // namespace

struct Admission::State {
    base::Rate rate;
    base::TokenBucket bucket;
    std::array<SourceTable, 2> tables;  ///< addresses, networks
    std::uint64_t untracked = 0;
    ConfirmedSources confirmed;

    [[nodiscard]] bool may_be_forged(const Address& source, Instant now) const {
        return !confirmed.empty() && !confirmed.contains(source, now);
    }

    /// Sources that may be forged leave half of the bucket to those that are not, and take all that these do
    /// not need.
    [[nodiscard]] base::Rate rate_for(const Address& source, Instant now) const {
        return may_be_forged(source, now) ? base::Rate{rate.per_second, rate.burst - rate.burst / 2} : rate;
    }

    [[nodiscard]] std::uint32_t open(std::size_t table, const Address& source) {
        if (!tables[table].on() || source.family == Family::none) return 0;
        const auto* entry = tables[table].find(source);
        return entry == nullptr ? 0 : entry->open;
    }
};

Admission::Admission(const conf::UdpServer& settings, std::uint32_t sessions_of_this_worker, unsigned workers)
    : state_(new State{rate_of(share(settings.new_sessions_per_second, workers)),
                       {},
                       {SourceTable(settings.per_address, sessions_of_this_worker, workers, 32, 64),
                        SourceTable(settings.per_network, sessions_of_this_worker, workers, 24, 48)},
                       0,
                       ConfirmedSources(std::clamp<std::size_t>(2ul * sessions_of_this_worker, min_confirmed,
                                                                max_confirmed))}) {}

Admission::~Admission() = default;
Admission::Admission(Admission&&) noexcept = default;
Admission& Admission::operator=(Admission&&) noexcept = default;

CloseReason Admission::check(const Address& source, Instant now, std::uint32_t leaving) const {
    for (std::size_t i = 0; i < state_->tables.size() && source.family != Family::none; ++i) {
        SourceTable& table = state_->tables[i];
        const SourceTable::Entry* entry = table.on() ? table.find(source) : nullptr;
        if (entry == nullptr) continue;
        if (table.open_limit() > 0 && entry->open >= table.open_limit() + leaving)
            return CloseReason::source_limited;
        if (!base::TokenBucket(entry->bucket).take(table.rate(), now)) return CloseReason::source_limited;
    }
    const bool room = base::TokenBucket(state_->bucket).take(state_->rate_for(source, now), now);
    return room ? CloseReason::none : CloseReason::rate_limited;
}

CloseReason Admission::check_open(const Address& source, std::uint32_t leaving) const {
    for (std::size_t i = 0; i < state_->tables.size(); ++i) {
        const std::uint32_t limit = state_->tables[i].open_limit();
        if (limit > 0 && state_->open(i, source) >= limit + leaving) return CloseReason::source_limited;
    }
    return CloseReason::none;
}

CloseReason Admission::admit(const Address& source, Instant now) {
    // Tokens are taken from copies, which are stored only when all limits agree: a refused source must not
    // consume the rates of others.
    std::array<SourceTable::Entry*, 2> places{};
    std::array<base::TokenBucket, 2> buckets;
    for (std::size_t i = 0; i < state_->tables.size() && source.family != Family::none; ++i) {
        SourceTable& table = state_->tables[i];
        if (!table.on()) continue;
        places[i] = table.rate().per_second > 0 ? table.place(source) : table.find(source);
        if (places[i] == nullptr) continue;
        if (table.open_limit() > 0 && places[i]->open >= table.open_limit())
            return CloseReason::source_limited;
        buckets[i] = places[i]->bucket;
        if (!buckets[i].take(table.rate(), now)) return CloseReason::source_limited;
    }
    if (!state_->bucket.take(state_->rate_for(source, now), now)) return CloseReason::rate_limited;
    for (std::size_t i = 0; i < places.size(); ++i)
        if (places[i] != nullptr) places[i]->bucket = buckets[i];
    return CloseReason::none;
}

void Admission::opened(const Address& source) {
    if (source.family == Family::none) return;
    bool tracked = true;
    for (SourceTable& table : state_->tables) {
        if (!table.on()) continue;
        SourceTable::Entry* entry = table.place(source);
        if (entry != nullptr) ++entry->open;
        tracked = tracked && entry != nullptr;
    }
    if (!tracked) ++state_->untracked;
}

void Admission::closed(const Address& source) {
    if (source.family == Family::none) return;
    for (SourceTable& table : state_->tables) {
        if (!table.on()) continue;
        // A session that was opened untracked may find no entry here, or a later one of its source; that one
        // then counts too few, but never less than 0.
        SourceTable::Entry* entry = table.find(source);
        if (entry != nullptr && entry->open > 0) --entry->open;
    }
}

void Admission::confirmed(const Address& source, Instant now) {
    state_->confirmed.add(source, now);
}

bool Admission::may_be_forged(const Address& source, Instant now) const {
    return state_->may_be_forged(source, now);
}

std::uint64_t Admission::untracked() const {
    return state_->untracked;
}

}  // namespace session
