#include "libudpserver/session/source_shares.hpp"

#include <algorithm>
#include <bit>

namespace session {

SourceShares::SourceShares(std::size_t entries, Slot first, std::array<std::size_t, 2> heavy)
    : first_(first),
      heavy_from_(heavy),
      links_(entries),
      sources_(entries),
      buckets_(std::bit_ceil(std::max<std::size_t>(entries, 1)), none) {
    for (std::size_t i = entries; i-- > 0;) {
        sources_[i].next = free_;
        free_ = static_cast<Index>(i);
    }
    for (std::size_t of = 0; of < heavy_.size(); ++of)
        heavy_[of].reserve(entries / std::max<std::size_t>(heavy[of], 1) + 1);
}

std::size_t SourceShares::bucket_of(const SourcePrefix& prefix, EvictableClass of) const {
    return (prefix.hash(key_) + static_cast<std::size_t>(of)) & (buckets_.size() - 1);
}

SourceShares::Index SourceShares::find(const SourcePrefix& prefix, EvictableClass of) const {
    Index source = buckets_[bucket_of(prefix, of)];
    while (source != none && (sources_[source].prefix != prefix || sources_[source].of != of))
        source = sources_[source].next;
    return source;
}

/// There is always a free one: each has at least one slot.
SourceShares::Index SourceShares::add(const SourcePrefix& prefix, EvictableClass of) {
    const Index source = free_;
    free_ = sources_[source].next;
    Index& bucket = buckets_[bucket_of(prefix, of)];
    sources_[source] = {.prefix = prefix, .of = of};
    sources_[source].next = bucket;
    bucket = source;
    return source;
}

void SourceShares::forget(Index source) {
    Index* place = &buckets_[bucket_of(sources_[source].prefix, sources_[source].of)];
    while (*place != source)
        place = &sources_[*place].next;
    *place = sources_[source].next;
    sources_[source].next = free_;
    free_ = source;
}

void SourceShares::push(Slot slot, const base::Address& address, EvictableClass of) {
    const SourcePrefix prefix = source_prefix(address);
    Index index = find(prefix, of);
    if (index == none) index = add(prefix, of);
    Source& source = sources_[index];
    const Slot at = slot - first_;
    links_[at] = {source.tail, none, index};
    (source.tail == none ? source.head : links_[source.tail].next) = at;
    source.tail = at;
    ++source.count;
    update_heavy(index);
}

void SourceShares::remove(Slot slot) {
    Link& link = links_[slot - first_];
    if (link.source == none) return;
    Source& source = sources_[link.source];
    (link.previous == none ? source.head : links_[link.previous].next) = link.next;
    (link.next == none ? source.tail : links_[link.next].previous) = link.previous;
    --source.count;
    update_heavy(link.source);
    if (source.count == 0) forget(link.source);
    link = {};
}

void SourceShares::update_heavy(Index index) {
    Source& source = sources_[index];
    std::vector<Index>& heavy = heavy_of(source.of);
    const bool is_heavy = source.count >= heavy_from_[static_cast<std::size_t>(source.of)];
    if (is_heavy == (source.heavy != none)) return;
    if (is_heavy) {
        source.heavy = static_cast<Index>(heavy.size());
        heavy.push_back(index);
        return;
    }
    sources_[heavy.back()].heavy = source.heavy;
    heavy[source.heavy] = heavy.back();
    heavy.pop_back();
    source.heavy = none;
}

Slot SourceShares::oldest_if_heavy(const base::Address& source, EvictableClass of) const {
    const Index found = find(source_prefix(source), of);
    return found == none || sources_[found].heavy == none ? none : sources_[found].head + first_;
}

Slot SourceShares::oldest_of_heaviest(EvictableClass of) const {
    const std::vector<Index>& heavy = heavy_[static_cast<std::size_t>(of)];
    if (heavy.empty()) return none;
    const Index heaviest = *std::max_element(heavy.begin(), heavy.end(), [this](Index a, Index b) {
        return sources_[a].count < sources_[b].count;
    });
    return sources_[heaviest].head + first_;
}

}  // namespace session
