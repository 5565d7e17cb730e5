#include "libudpserver/net/pool_groups.hpp"

#include <algorithm>

namespace net {

bool has_several_senders(conf::SessionType type) {
    using Type = conf::SessionType;
    return type == Type::any_port || type == Type::any_sock || type == Type::broadcast;
}

std::string to_string(const PoolGroup& group) {
    std::string text = group.source.is_any() ? (group.family == base::Family::v6 ? "IPv6" : "IPv4")
                                             : base::to_string(group.source);
    if (group.ports)
        text += " ports " + std::to_string(group.ports->first) + "-" + std::to_string(group.ports->last);
    if (group.several_senders) text += " for several senders";
    return text;
}

bool has_same_ports(const PoolGroup& one, const PoolGroup& other) {
    return one.source == other.source && one.ports == other.ports;
}

PoolGroup group_for(const conf::Rule& rule, base::Family family) {
    PoolGroup group{family, base::Address::any(family), rule.source_port, has_several_senders(rule.type)};
    if (rule.source_address && rule.source_address->family == family) group.source = *rule.source_address;
    return group;
}

namespace {

/// The families that a name's addresses can have for this rule.
std::vector<base::Family> families_of_names(const conf::Rule& rule, conf::Families resolved) {
    std::vector<base::Family> families;
    for (const base::Family family : {base::Family::v4, base::Family::v6}) {
        const bool unwanted =
            resolved == (family == base::Family::v4 ? conf::Families::v6 : conf::Families::v4);
        if (!unwanted && (!rule.source_address || rule.source_address->family == family))
            families.push_back(family);
    }
    return families;
}

/// A group is optional only if no rule needs it for certain.
void add(std::vector<PoolGroup>& groups, PoolGroup group, bool optional) {
    group.optional = optional;
    const auto found = std::ranges::find(groups, group);
    if (found == groups.end()) {
        groups.push_back(group);
    } else {
        found->optional = found->optional && optional;
    }
}

}  // namespace

std::vector<PoolGroup> pool_groups(const conf::Config& config) {
    std::vector<PoolGroup> groups;
    for (const conf::Rule& rule : config.session_acl) {
        if (rule.action != conf::Action::accept) continue;
        for (const conf::Server& server : rule.plug_to) {
            if (server.name.empty()) {
                add(groups, group_for(rule, server.endpoint.family), false);
                continue;
            }
            const std::vector<base::Family> families = families_of_names(rule, config.resolver.families);
            for (const base::Family family : families)
                add(groups, group_for(rule, family), families.size() > 1);
        }
    }
    return groups;
}

}  // namespace net
