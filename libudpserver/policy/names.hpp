#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace policy {

/// What the configuration's names mean now, as one worker knows it. A list is replaced as a whole (K-54,
/// K-64). Of a name that nobody has said anything about yet it is not known whether it matches: who depends
/// on it waits. A name that is known to mean nothing matches nobody and is no server (K-55).
class Names {
public:
    using Addresses = std::vector<base::Address>;

    /// The names that the configuration's rules and lists use, each once; all unknown.
    explicit Names(const conf::Config& config);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Nothing for a name that the configuration does not have.
    [[nodiscard]] std::optional<std::size_t> index(std::string_view name) const;
    [[nodiscard]] const std::string& name(std::size_t index) const { return entries_.at(index).name; }
    [[nodiscard]] bool known(std::size_t index) const { return entries_.at(index).known; }
    /// Sorted, each once.
    [[nodiscard]] const Addresses& addresses(std::size_t index) const { return entries_.at(index).addresses; }
    /// Whether the address is one of them. A link-local one that names no interface is that of each.
    [[nodiscard]] bool means(std::size_t index, const base::Address& address) const;

    /// From now on the name means this.
    void set(std::size_t index, Addresses addresses);
    /// Nobody could resolve it: an unknown name means nothing from now on, a known one what it meant.
    void set_unresolved(std::size_t index) { entries_.at(index).known = true; }

private:
    struct Entry {
        std::string name;
        bool known = false;
        Addresses addresses;
    };
    std::vector<Entry> entries_;  ///< sorted by name
};

}  // namespace policy
