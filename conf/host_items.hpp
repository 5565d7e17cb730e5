#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/config.hpp"
#include "conf/place.hpp"

namespace conf {

/// Reads the text of one host item (K-34), which may be a part of the value at `place`; mistakes are reported
/// there. Lists are found by name in `lists`.
std::optional<HostItem> read_host_item(const Place& place, std::string_view text,
                                       const std::vector<NamedList>& lists);

/// Reads one item or a list of them; items that are wrong are left out.
void read_host_items(const Place& place, const std::vector<NamedList>& lists, HostItems& items);

/// The inverse: `!10.0.0.0/8`, `10.0.0.5-10.0.0.9`, `@lan`.
std::string to_string(const HostItem& item, const std::vector<NamedList>& lists);

}  // namespace conf
