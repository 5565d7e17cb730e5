#pragma once

#include <optional>
#include <vector>

#include "conf/config.hpp"

namespace conf {

/// What host lists say about one address (K-34). Each named list is judged once, however often it is used.
class HostMatch {
public:
    /// The lists must be free of cycles, as loaded ones are, and outlive this object.
    HostMatch(const Address& address, const std::vector<NamedList>& lists)
        : address_(address), lists_(lists), judged_(lists.size()) {}

    /// Whether the item means the address, without its `!`.
    bool means(const HostItem& item);

    /// Some positive item matches, or there is none, and no negated item matches. `!@lan` so excludes exactly
    /// what the list matches: its own exclusions are neither excluded nor included.
    bool matches(const HostItems& items);

private:
    bool list_matches(std::size_t index);

    Address address_;
    const std::vector<NamedList>& lists_;
    std::vector<std::optional<bool>> judged_;
};

}  // namespace conf
