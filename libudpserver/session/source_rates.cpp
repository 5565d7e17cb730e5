#include "libudpserver/session/source_rates.hpp"

#include <bit>

namespace session {

namespace {

/// Bounds of the entries of a table: 24 KiB to 6 MiB.
constexpr std::size_t min_entries = 1024, max_entries = std::size_t{1} << 18;

base::Rate share(base::Rate rate, unsigned workers) {
    const unsigned parts = std::max(workers, 1u);
    return {(rate.per_second + parts - 1) / parts, (rate.burst + parts - 1) / parts};
}

}  // namespace

SourceRates::SourceRates(const conf::UdpServer& settings, std::size_t sessions)
    : tables_{Table{share(rate_of(settings.per_address.rate), settings.workers), 32, 64, {}},
              Table{share(rate_of(settings.per_network.rate), settings.workers), 24, 48, {}}} {
    for (Table& table : tables_) {
        if (table.rate.per_second == 0) continue;
        table.entries.resize(std::bit_ceil(std::clamp(2 * sessions, min_entries, max_entries)));
        is_on_ = true;
    }
}

std::size_t SourceRates::set_of(const Table& table, const SourcePrefix& source) const {
    return source.hash(key_) % (table.entries.size() / ways) * ways;
}

SourceRates::Entry& SourceRates::place(Table& table, const base::Address& address) {
    const SourcePrefix source = source_prefix(address, table.v4_prefix, table.v6_prefix);
    const auto set = table.entries.begin() + static_cast<std::ptrdiff_t>(set_of(table, source));
    auto found = std::find_if(set, set + ways, [&](const Entry& entry) { return entry.source == source; });
    if (found == set + ways) {
        found = std::min_element(
            set, set + ways, [](const Entry& a, const Entry& b) { return a.bucket.fuller_than(b.bucket); });
        *found = {source, {}};
    }
    return *found;
}

bool SourceRates::take_from_tables(const base::Address& source, base::Instant now) {
    if (source.family == base::Family::none) return true;
    // Tokens are taken from copies, which are stored only when both tables agree.
    std::array<Entry*, 2> places{};
    std::array<base::TokenBucket, 2> buckets;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        if (tables_[i].entries.empty()) continue;
        places[i] = &place(tables_[i], source);
        buckets[i] = places[i]->bucket;
        if (!buckets[i].take(tables_[i].rate, now)) return false;
    }
    for (std::size_t i = 0; i < places.size(); ++i)
        if (places[i] != nullptr) places[i]->bucket = buckets[i];
    return true;
}

bool SourceRates::is_over(const base::Address& address, base::Instant now) const {
    return std::ranges::any_of(tables_, [&](const Table& table) {
        if (table.entries.empty()) return false;
        const SourcePrefix source = source_prefix(address, table.v4_prefix, table.v6_prefix);
        const auto set = table.entries.begin() + static_cast<std::ptrdiff_t>(set_of(table, source));
        const auto found =
            std::find_if(set, set + ways, [&](const Entry& entry) { return entry.source == source; });
        return found != set + ways && !base::TokenBucket(found->bucket).take(table.rate, now);
    });
}

}  // namespace session
