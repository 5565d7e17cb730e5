#pragma once

#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/endpoint.hpp"

namespace policy {

/// A set of addresses, given as ranges of either family; of scopes it knows nothing. Asked with one binary
/// search.
class AddressRanges {
public:
    /// Both ends are in it; of one family.
    void add(const base::Address& first, const base::Address& last);
    /// After the last add(), before the first contains().
    void merge();

    [[nodiscard]] bool contains(const base::Address& address) const;

private:
    /// The bytes as numbers, which compare much quicker.
    struct Key {
        std::uint64_t high = 0, low = 0;
        auto operator<=>(const Key&) const = default;
    };
    using Ranges = std::vector<std::pair<Key, Key>>;

    static Key key_of(const base::Address& address);
    static void merge(Ranges& ranges);

    Ranges v4_, v6_;  ///< sorted, not overlapping
};

}  // namespace policy
