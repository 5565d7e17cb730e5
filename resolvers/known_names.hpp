#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/endpoint.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// What the configuration's names meant last, with whoever outlives ACR: the next one begins with it, so that
/// a reload, an upgrade or a death while no name server answers changes nothing (K-55). Holds the
/// configuration's names at most.
class KnownNames {
public:
    using Addresses = std::vector<base::Address>;

    KnownNames() = default;
    explicit KnownNames(const std::vector<std::string>& names) { change(names); }

    /// These are the names now; what the others meant is forgotten.
    void change(const std::vector<std::string>& names);
    /// What a name means now. Nothing follows from a name that is none of ours, or that nothing was found out
    /// about.
    void take(const ipc::NameNews& news);

    /// Forgets names that mean private addresses and may not, by these settings: nobody may have asked by
    /// them yet.
    void forget_private(const Settings& settings);

    /// Of the names that something is known of; no addresses: it means nothing.
    [[nodiscard]] std::map<std::string, Addresses> all() const;

private:
    struct Known {
        bool told = false;
        Addresses addresses;
    };
    std::map<std::string, Known> names_;
};

}  // namespace resolvers
