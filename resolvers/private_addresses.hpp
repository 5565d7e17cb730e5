#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "conf/config.hpp"
#include "resolvers/hosts_file.hpp"

namespace resolvers {

/// Which private addresses the configuration allows for which names: those of `allow-private` and of the
/// hosts file. ACR applies it to answers of name servers, and REG to what ACR says.
class PrivateAddresses {
public:
    explicit PrivateAddresses(conf::Resolver settings);

    /// The first address that the name may not have.
    [[nodiscard]] std::optional<base::Address> forbidden(const std::string& name,
                                                         const std::vector<base::Address>& addresses,
                                                         base::Instant now);

private:
    conf::Resolver settings_;
    HostsFile hosts_;
};

}  // namespace resolvers
