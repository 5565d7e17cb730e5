#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// Which addresses each name means now. Lists are replaced as a whole (K-54, K-64). An answer that is no
/// answer (a server failure, a time-out, a private address) leaves the last good list for up to `stale_max`
/// beyond its TTL (K-55); `no such name` and `no data` are answers and empty it at once.
class NameTable {
public:
    using Addresses = std::vector<base::Address>;

    explicit NameTable(base::Duration stale_max) : stale_max_(stale_max) {}

    /// A name that nothing is known of yet; whoever waits for it may give it up `stale_max` from now on.
    void add(const std::string& name, base::Instant now) { names_.try_emplace(name, Known{{}, now}); }
    /// What a name meant at this time, whatever was known of it: its TTL is over, and begins to be stale.
    void recall(const std::string& name, Addresses addresses, base::Instant now) {
        names_.insert_or_assign(name, Known{std::move(addresses), now});
    }
    /// Adds the name if it is new. Returns whether it means something else now.
    bool update(const std::string& name, const Answer& answer, base::Instant now);

    /// Empty for a name that is unknown, or never resolved: it matches nothing and is no target.
    [[nodiscard]] const Addresses& addresses(const std::string& name) const;
    /// Until when the last good answer is believed; of a name without one, when it was added. Nothing for an
    /// unknown name.
    [[nodiscard]] std::optional<base::Instant> good_until(const std::string& name) const;
    /// `stale_max` later: so long failures change nothing.
    [[nodiscard]] std::optional<base::Instant> given_up_at(const std::string& name) const;
    /// There is a list, and its TTL has passed: only failures keep it.
    [[nodiscard]] bool stale(const std::string& name, base::Instant now) const;

private:
    struct Known {
        Addresses addresses;
        base::Instant good_until{};
    };

    base::Duration stale_max_;
    std::map<std::string, Known, std::less<>> names_;
};

/// `A, B`, or `nothing`, for the log.
std::string to_string(const std::vector<base::Address>& addresses);

}  // namespace resolvers
