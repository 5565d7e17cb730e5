#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"
#include "libudpserver/ipc/messages.hpp"

namespace resolvers {

/// The configured names and the last addresses of each. The parent keeps it and passes it to every new ACR,
/// so that a reload, an upgrade or a crash changes nothing while the name servers are unreachable (K-55).
class NameSnapshot {
public:
    using Addresses = std::vector<base::Address>;

    NameSnapshot() = default;
    explicit NameSnapshot(const std::vector<std::string>& names) { set_names(names); }

    /// Replaces the set of names; names that remain keep their addresses. Returns whether the set has
    /// changed.
    bool set_names(const std::vector<std::string>& names);
    /// Ignores names that are not configured, so ACR cannot make the parent's memory grow.
    void apply(const ipc::NameUpdate& update);

    /// Forgets names with private addresses that these settings do not allow: they may date from other
    /// settings.
    void forget_private(const conf::Resolver& settings);

    [[nodiscard]] bool empty() const { return names_.empty(); }
    /// All configured names; without a value: never resolved. An empty list: the name has no addresses.
    [[nodiscard]] const std::map<std::string, std::optional<Addresses>>& names() const { return names_; }
    /// Only the names that have been resolved.
    [[nodiscard]] std::map<std::string, Addresses> resolved() const;

private:
    std::map<std::string, std::optional<Addresses>> names_;
};

}  // namespace resolvers
