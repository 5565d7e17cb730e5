#include "libudpserver/policy/address_ranges.hpp"

#include <algorithm>

namespace policy {

using base::Family;

void AddressRanges::add(const base::Address& first, const base::Address& last) {
    (first.family == Family::v4 ? v4_ : v6_).emplace_back(key_of(first), key_of(last));
}

AddressRanges::Key AddressRanges::key_of(const base::Address& address) {
    Key key;
    for (std::size_t i = 0; i < 8; ++i) {
        key.high = key.high << 8 | address.bytes[i];
        key.low = key.low << 8 | address.bytes[i + 8];
    }
    return key;
}

void AddressRanges::merge() {
    merge(v4_);
    merge(v6_);
}

void AddressRanges::merge(Ranges& ranges) {
    std::sort(ranges.begin(), ranges.end());
    Ranges merged;
    for (const auto& range : ranges) {
        if (range.second < range.first) continue;
        if (!merged.empty() && range.first <= merged.back().second) {
            merged.back().second = std::max(merged.back().second, range.second);
        } else {
            merged.push_back(range);
        }
    }
    ranges = std::move(merged);
}

bool AddressRanges::contains(const base::Address& address) const {
    const Ranges& ranges = address.family == Family::v4 ? v4_ : v6_;
    if (ranges.empty()) return false;
    const Key key = key_of(address);
    const auto after =
        std::upper_bound(ranges.begin(), ranges.end(), key,
                         [](const Key& value, const auto& range) { return value < range.first; });
    return after != ranges.begin() && key <= std::prev(after)->second;
}

}  // namespace policy
