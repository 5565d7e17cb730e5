#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"

namespace net {

/// What makes two server-side sockets interchangeable: family, source address, range of source ports.
struct PoolGroup {
    base::Family family = base::Family::v4;
    base::Address source;                  ///< any: chosen by the route
    std::optional<conf::PortRange> ports;  ///< nothing: the system's ephemeral range
    bool operator==(const PoolGroup&) const = default;
};

std::string to_string(const PoolGroup& group);

/// The group a session of this rule takes its socket from, for a server of this family.
PoolGroup group_for(const conf::Rule& rule, base::Family family);

/// All groups that the configuration's accepting rules can need, each once, in a stable order.
std::vector<PoolGroup> pool_groups(const conf::Config& config);

}  // namespace net
