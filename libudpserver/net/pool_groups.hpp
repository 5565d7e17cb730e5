#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"

namespace net {

/// Whether a session of this type takes replies from several senders, so that its socket is not connected.
[[nodiscard]] bool has_several_senders(conf::SessionType type);

/// What makes two server-side sockets interchangeable: family, source address, range of source ports, and
/// whether they are connected. A datagram from anybody keeps an unconnected one in quarantine; so it never
/// serves a session that connects, whose rules strangers must not harm.
struct PoolGroup {
    base::Family family = base::Family::v4;
    base::Address source;                  ///< any: chosen by the route
    std::optional<conf::PortRange> ports;  ///< none: the system's ephemeral range
    bool several_senders = false;
    /// Only names may need it, and perhaps none ever has an address of this family: the proxy can start
    /// without it. Not a property of the sockets, and not compared.
    bool optional = false;

    bool operator==(const PoolGroup& other) const {
        return family == other.family && source == other.source && ports == other.ports &&
               several_senders == other.several_senders;
    }
};

std::string to_string(const PoolGroup& group);

/// Groups that compete for the same ports.
[[nodiscard]] bool has_same_ports(const PoolGroup& one, const PoolGroup& other);

/// The group of the sockets for sessions of this rule with a server of this family.
PoolGroup group_for(const conf::Rule& rule, base::Family family);

/// All groups that the accepting rules of the configuration can need, each once, in a stable order. A name
/// can need a group for each family that `source-address` and the resolver's `families` allow.
std::vector<PoolGroup> pool_groups(const conf::Config& config);

}  // namespace net
