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
    std::optional<conf::PortRange> ports;  ///< none: the system's ephemeral range
    /// Only names may need it, and perhaps none ever has an address of this family: the proxy can start
    /// without it. Not a property of the sockets, and not compared.
    bool optional = false;

    bool operator==(const PoolGroup& other) const {
        return family == other.family && source == other.source && ports == other.ports;
    }
};

std::string to_string(const PoolGroup& group);

/// The group of the sockets for sessions of this rule with a server of this family.
PoolGroup group_for(const conf::Rule& rule, base::Family family);

/// All groups that the accepting rules of the configuration can need, each once, in a stable order. A name
/// can need a group for each family that `source-address` and the resolver's `families` allow.
std::vector<PoolGroup> pool_groups(const conf::Config& config);

}  // namespace net
