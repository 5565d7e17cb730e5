#include "libudpserver/net/pool_groups.hpp"

#include <algorithm>

namespace net {

std::string to_string(const PoolGroup& group) {
    std::string text = group.source.is_any() ? (group.family == base::Family::v6 ? "IPv6" : "IPv4")
                                             : base::to_string(group.source);
    if (group.ports)
        text += " ports " + std::to_string(group.ports->first) + "-" + std::to_string(group.ports->last);
    return text;
}

PoolGroup group_for(const conf::Rule& rule, base::Family family) {
    PoolGroup group{family, base::Address::any(family), rule.source_port};
    if (rule.source_address && rule.source_address->family == family) group.source = *rule.source_address;
    return group;
}

std::vector<PoolGroup> pool_groups(const conf::Config& config) {
    std::vector<PoolGroup> groups;
    for (const conf::Rule& rule : config.session_acl) {
        if (rule.action != conf::Action::accept) continue;
        for (const conf::Server& server : rule.plug_to) {
            const PoolGroup group = group_for(rule, server.endpoint.family);
            if (std::ranges::find(groups, group) == groups.end()) groups.push_back(group);
        }
    }
    return groups;
}

}  // namespace net
