#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace policy {

/// The present addresses of the configuration's names. Each update replaces the whole list (K-54, K-64).
/// While a name is unknown, whatever depends on it is undecided; a known name without addresses matches no
/// client and is no server (K-55).
class Names {
public:
    using Addresses = std::vector<base::Address>;

    /// The names that the configuration's rules and lists use, each once; all unknown.
    explicit Names(const conf::Config& config);

    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Nothing for a name that the configuration does not use.
    [[nodiscard]] std::optional<std::size_t> index(std::string_view name) const;
    [[nodiscard]] const std::string& name(std::size_t index) const { return entries_.at(index).name; }
    [[nodiscard]] bool known(std::size_t index) const { return entries_.at(index).known; }
    /// Sorted, each once.
    [[nodiscard]] const Addresses& addresses(std::size_t index) const { return entries_.at(index).addresses; }
    /// An address of the name without a scope matches a link-local address of any interface.
    [[nodiscard]] bool has_address(std::size_t index, const base::Address& address) const;

    void set(std::size_t index, Addresses addresses);
    /// The name could not be resolved: it becomes known and keeps the addresses it has, if any.
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
