#include "libudpserver/policy/names.hpp"

#include <algorithm>

#include "conf/names.hpp"

namespace policy {

Names::Names(const conf::Config& config) {
    for (std::string& name : conf::names(config))
        entries_.push_back({std::move(name), false, {}});
}

std::optional<std::size_t> Names::index(std::string_view name) const {
    const auto found =
        std::lower_bound(entries_.begin(), entries_.end(), name,
                         [](const Entry& entry, std::string_view wanted) { return entry.name < wanted; });
    if (found == entries_.end() || found->name != name) return std::nullopt;
    return static_cast<std::size_t>(found - entries_.begin());
}

bool Names::has_address(std::size_t index, const base::Address& address) const {
    const Addresses& addresses = entries_.at(index).addresses;
    if (std::binary_search(addresses.begin(), addresses.end(), address)) return true;
    if (address.scope == 0) return false;
    base::Address unscoped = address;
    unscoped.scope = 0;
    return std::binary_search(addresses.begin(), addresses.end(), unscoped);
}

void Names::set(std::size_t index, Addresses addresses) {
    std::sort(addresses.begin(), addresses.end());
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    entries_.at(index).addresses = std::move(addresses);
    entries_.at(index).known = true;
}

}  // namespace policy
