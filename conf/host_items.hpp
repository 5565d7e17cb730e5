#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/node_ref.hpp"

namespace conf {

/// Reads the text of one host item (K-34), which may be a part of the value at `place`; mistakes are reported
/// there. Lists are found by name in `lists`.
std::optional<HostItem> read_host_item(const NodeRef& ref, std::string_view text,
                                       const std::vector<NamedList>& lists);

/// Reads one item or a list of them; items that are wrong are left out.
void read_host_items(const NodeRef& ref, const std::vector<NamedList>& lists, HostItems& items);

/// The inverse: `!10.0.0.0/8`, `10.0.0.5-10.0.0.9`, `@lan`.
std::string to_string(const HostItem& item, const std::vector<NamedList>& lists);

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
