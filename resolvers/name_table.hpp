#pragma once

#include <map>
#include <string>
#include <vector>

#include "libudpserver/base/clock.hpp"
#include "libudpserver/base/endpoint.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// What an answer did to a name.
struct NameChange {
    std::vector<base::Address> added, removed, unchanged;  ///< each sorted
    [[nodiscard]] bool any() const { return !added.empty() || !removed.empty(); }
};

/// Which addresses each name means now. Lists are replaced as a whole (K-54, K-64). An answer that is no
/// answer (a server failure, a time-out, a private address) leaves the last good list for up to `stale_max`
/// beyond its TTL (K-55); `no such name` and `no data` are answers and empty it at once.
class NameTable {
public:
    using Addresses = std::vector<base::Address>;

    explicit NameTable(base::Duration stale_max) : stale_max_(stale_max) {}

    NameChange update(const std::string& name, const Answer& answer, base::Instant now);

    /// Empty for a name that is unknown, or never resolved: it matches nothing and is no target.
    [[nodiscard]] const Addresses& addresses(const std::string& name) const;
    /// There is a list, and its TTL has passed: only failures keep it.
    [[nodiscard]] bool stale(const std::string& name, base::Instant now) const;
    void forget(const std::string& name) { names_.erase(name); }
    [[nodiscard]] std::size_t size() const { return names_.size(); }

private:
    struct Known {
        Addresses addresses;
        base::Instant good_until{};
    };

    base::Duration stale_max_;
    std::map<std::string, Known, std::less<>> names_;
};

/// The difference of two sorted lists.
NameChange difference(const std::vector<base::Address>& before, const std::vector<base::Address>& after);

/// `name X: A, B -> B, C`, for the log; `nothing` for an empty list.
std::string to_string(const std::string& name, const NameChange& change);

}  // namespace resolvers
