#include "libudpserver/session/session_table.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace session {

SessionTable::SessionTable(std::span<const Record> records, std::vector<bool> wildcard, std::size_t capacity,
                           KeyHash hash)
    : records_(records),
      wildcard_(std::move(wildcard)),
      capacity_(capacity),
      hash_(hash),
      buckets_(std::bit_ceil(std::max<std::size_t>(4 * capacity, 8))),
      mask_(buckets_.size() - 1) {}

SessionKey SessionTable::key_of(const Record& record) const {
    return SessionKey::of(record, record.listener < wildcard_.size() && wildcard_[record.listener]);
}

Slot SessionTable::find(const SessionKey& key) const {
    const std::uint32_t tag = tag_of(key);
    for (std::size_t i = tag & mask_; buckets_[i].slot != none; i = (i + 1) & mask_) {
        if (buckets_[i].tag == tag && key_of(records_[buckets_[i].slot]) == key) return buckets_[i].slot;
    }
    return none;
}

void SessionTable::insert(const SessionKey& key, Slot slot) {
    if (size_ >= capacity_) throw std::logic_error("session table: more sessions than its capacity");
    const std::uint32_t tag = tag_of(key);
    std::size_t i = tag & mask_;
    while (buckets_[i].slot != none)
        i = (i + 1) & mask_;
    buckets_[i] = {tag, slot};
    ++size_;
}

bool SessionTable::erase(const SessionKey& key, Slot slot) {
    if (slot == none) return false;
    const std::uint32_t tag = tag_of(key);
    std::size_t hole = tag & mask_;
    while (buckets_[hole].slot != slot || buckets_[hole].tag != tag) {
        if (buckets_[hole].slot == none) return false;
        hole = (hole + 1) & mask_;
    }
    // Backward shift instead of tombstones: look-ups stay as short as if the entry had never been there. An
    // entry may fill the hole only if its home does not lie behind it.
    for (std::size_t i = (hole + 1) & mask_; buckets_[i].slot != none; i = (i + 1) & mask_) {
        if (distance(i) >= ((i - hole) & mask_)) {
            buckets_[hole] = buckets_[i];
            hole = i;
        }
    }
    buckets_[hole] = {};
    --size_;
    return true;
}

std::size_t SessionTable::max_probe() const {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
        if (buckets_[i].slot != none) longest = std::max(longest, distance(i) + 1);
    return longest;
}

std::size_t SessionTable::distance(std::size_t bucket) const {
    return (bucket - buckets_[bucket].tag) & mask_;
}

}  // namespace session
