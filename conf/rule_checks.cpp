#include "conf/checks.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <unordered_map>

#include "conf/address_block.hpp"
#include "conf/host_items.hpp"
#include "conf/host_name.hpp"
#include "conf/names.hpp"
#include "conf/node_ref.hpp"

namespace conf {
namespace {

void check_names(const Config& config, Report& report) {
    std::unordered_map<std::string, std::size_t> first;
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const auto [entry, is_new] = first.try_emplace(config.session_acl[i].name, i);
        if (is_new) continue;
        const Mark mark = report.mark_of(rule_path(entry->second, "name"));
        report.error(rule_path(i, "name"),
                     "duplicate name (first at line " + std::to_string(mark.line) + ")");
    }
}

void check_target(const Rule& rule, std::size_t index, Report& report) {
    const std::string path = rule_path(index, "plug-to");
    if (!report.is_clean(rule_path(index, "action"))) return;
    if (rule.action == Action::accept && !report.is_given(path)) {
        report.error(
            path, with_hint("is missing: a rule that accepts needs a server", "a server like 192.0.2.53:53"));
    } else if (rule.action == Action::deny && report.is_given(path)) {
        report.warning(path, "has no effect in a rule that denies");
    }
}

void check_server(const Rule& rule, const Server& server, const std::string& path, Report& report) {
    if (!server.name.empty()) {
        if (rule.type == SessionType::broadcast)
            report.error(path, with_hint("a broadcast needs an address, not a name",
                                         "the address of the server's network"));
        return;
    }
    const Address address = server.endpoint.address();
    const auto& source = rule.source_address;
    if (source && source->family != address.family) {
        report.error(path, base::to_string(server.endpoint) + " is unreachable from source-address " +
                               base::to_string(*source) + " (expected both IPv4 or both IPv6)");
    }
    const Address broadcast = prefix_mask(base::Family::v4, 32);
    const bool many = is_multicast(address) || address == broadcast;
    if (many && rule.type != SessionType::broadcast) {
        report.error(path, with_hint(base::to_string(address) + " is not the address of a single server",
                                     "a unicast address, or udp-session-type: broadcast"));
    }
    if (rule.type == SessionType::broadcast && rule.broadcast_prefix > address_bits(address.family)) {
        report.error(path, "broadcast-prefix " + std::to_string(rule.broadcast_prefix) +
                               " is longer than the address (expected at most 32)");
    }
}

void check_servers(const Rule& rule, std::size_t index, Report& report) {
    if (rule.action != Action::accept || !report.is_clean(rule_path(index, "source-address"))) return;
    for (std::size_t i = 0; i < rule.plug_to.size(); ++i) {
        const std::string path = rule_path(index, "plug-to") + "[" + std::to_string(i + 1) + "]";
        if (report.is_clean(path)) check_server(rule, rule.plug_to[i], path, report);
    }
}

/// Keys without effect because of another key: most likely the other key is the mistake.
void check_idle_keys(const Rule& rule, std::size_t index, Report& report) {
    if (!report.is_clean(rule_path(index))) return;
    const auto no_effect = [&](bool useless, const std::string& key, const std::string& why) {
        const std::string path = rule_path(index, key);
        if (useless && report.is_given(path)) report.warning(path, "has no effect " + why);
    };
    if (rule.action == Action::deny) {
        for (const char* key : {"udp-session-type", "any-port-strict", "broadcast-prefix", "limits",
                                "source-address", "source-port", "on-icmp-error", "on-name-change"})
            no_effect(true, key, "in a rule that denies");
        return;
    }
    no_effect(rule.type != SessionType::any_port, "any-port-strict", "unless udp-session-type is any-port");
    no_effect(rule.type != SessionType::broadcast, "broadcast-prefix",
              "unless udp-session-type is broadcast");
    const bool one_way = rule.type == SessionType::one_way;
    no_effect(one_way, "limits.unanswered", "in a one-way rule, where idle applies from the start");
    no_effect(one_way, "limits.no-answer", "in a one-way rule, which expects no replies");
    no_effect(one_way, "limits.unconfirmed", "in a one-way rule, where idle applies from the start");
    const SessionLimits& limits = rule.limits;
    const auto outlives = [&limits](Duration limit) {
        return limits.lifetime > Duration{0} && limit >= limits.lifetime;
    };
    no_effect(outlives(limits.idle), "limits.idle", "because limits.lifetime is not longer");
    no_effect(outlives(limits.unanswered), "limits.unanswered", "because limits.lifetime is not longer");
    no_effect(!one_way && limits.idle > Duration{0} && limits.idle <= limits.unconfirmed,
              "limits.unconfirmed", "because limits.idle is not longer");
    no_effect(one_way, "limits.server-datagrams", "in a one-way rule: the first reply closes the session");
    no_effect(one_way, "limits.server-bytes", "in a one-way rule: the first reply closes the session");
    const bool named = std::any_of(rule.plug_to.begin(), rule.plug_to.end(),
                                   [](const Server& server) { return !server.name.empty(); });
    no_effect(!named, "on-name-change", "in a rule without a name in plug-to");
    no_effect(rule.limits.idle == Duration{0}, "limits.idle-bytes", "without limits.idle");
    check_burst(rule.limits.rate, rule_path(index, "limits"), report);
    const bool endless = rule.limits.idle == Duration{0} && rule.limits.lifetime == Duration{0};
    if (endless) {
        report.warning(rule_path(index, "limits"),
                       "without idle and lifetime an answered session never expires");
    }
}

bool matches_everything(const Rule& rule) {
    const auto is_any = [](const HostItem& item) {
        return item.kind == HostItem::Kind::any && !item.negated;
    };
    const auto negated = [](const HostItem& item) { return item.negated; };
    const bool any_client = rule.from.empty() || (std::any_of(rule.from.begin(), rule.from.end(), is_any) &&
                                                  std::none_of(rule.from.begin(), rule.from.end(), negated));
    return any_client && rule.to.empty() && rule.time.empty() && rule.dscp.match.empty();
}

void check_reachable(const Config& config, Report& report) {
    const auto& rules = config.session_acl;
    for (std::size_t i = 0; i + 1 < rules.size(); ++i) {
        if (!report.is_clean(rule_path(i))) return;
        if (!matches_everything(rules[i])) continue;
        report.warning(rule_path(i + 1), "this rule is unreachable: " + rules[i].name + " (line " +
                                             std::to_string(report.mark_of(rule_path(i)).line) +
                                             ") matches every client");
        return;
    }
}

void check_any_accept(const Config& config, Report& report) {
    const auto accepts = [](const Rule& rule) { return rule.action == Action::accept; };
    const auto& rules = config.session_acl;
    if (rules.empty() || !report.is_clean("session-acl") || std::any_of(rules.begin(), rules.end(), accepts))
        return;
    report.warning("session-acl", "no rule accepts sessions");
}

constexpr std::size_t max_names = 1000, max_patterns = 1000;

using Kind = HostItem::Kind;

/// Looks for an item in host lists and in the lists that these use, each list once however often it is used.
class ItemSearch {
public:
    /// Receives the item, and whether the `!` before it and before the lists around it make it an exclusion.
    using Wanted = std::function<bool(const HostItem&, bool excludes)>;

    /// The lists must be free of cycles and outlive this object.
    ItemSearch(const std::vector<NamedList>& lists, Wanted wanted)
        : lists_(lists), wanted_(std::move(wanted)), found_(lists.size()) {}

    const HostItem* find(const HostItem& item, bool excludes) {
        excludes = excludes != item.negated;
        if (item.kind == Kind::list) return find_in_list(item.list, excludes);
        return wanted_(item, excludes) ? &item : nullptr;
    }

    const HostItem* find(const HostItems& items, bool excludes) {
        for (const HostItem& item : items) {
            if (const HostItem* found = find(item, excludes)) return found;
        }
        return nullptr;
    }

private:
    const HostItem* find_in_list(std::size_t index, bool excludes) {
        auto& found = found_[index][excludes ? 1 : 0];
        if (!found) found = find(lists_[index].items, excludes);
        return *found;
    }

    const std::vector<NamedList>& lists_;
    Wanted wanted_;
    std::vector<std::array<std::optional<const HostItem*>, 2>> found_;
};

std::size_t count_patterns(const HostItems& items) {
    std::size_t count = 0;
    for (const HostItem& item : items)
        count += item.kind == Kind::pattern ? 1 : 0;
    return count;
}

void check_counts(const Config& config, Report& report) {
    const std::size_t named = names(config).size();
    if (named > max_names) {
        report.error("session-acl", "the rules and the lists that they use have " + std::to_string(named) +
                                        " names (expected at most 1000)");
    }
    std::size_t patterns = 0;
    for (const NamedList& list : config.lists)
        patterns += count_patterns(list.items);
    for (const Rule& rule : config.session_acl)
        patterns += count_patterns(rule.from);
    if (patterns > max_patterns) {
        report.error("session-acl", "the file has " + std::to_string(patterns) +
                                        " regular expressions (expected at most 1000)");
    }
}

/// A local address has no confirmed name, so a regular expression in `to` would match nothing.
void check_patterns_in_to(const Config& config, Report& report) {
    ItemSearch search(config.lists, [](const HostItem& item, bool) { return item.kind == Kind::pattern; });
    for (std::size_t rule = 0; rule < config.session_acl.size(); ++rule) {
        const auto& to = config.session_acl[rule].to;
        if (!report.is_clean(rule_path(rule, "to"))) continue;
        for (std::size_t i = 0; i < to.size(); ++i) {
            const HostItem* pattern = search.find(to[i].host, false);
            if (!pattern) continue;
            report.error(rule_path(rule, "to") + "[" + std::to_string(i + 1) + "]",
                         with_hint(quote("@" + config.lists[to[i].host.list].name) +
                                       " contains the regular expression " + quote("~" + pattern->text) +
                                       ", which matches names of clients",
                                   "a list without it"));
        }
    }
}

void warn_of(const HostItem& item, const std::string& path, Report& report) {
    if (item.kind == Kind::name) {
        report.warning(path, quote(item.text) +
                                 " stops no client while the name has no address; use addresses where that "
                                 "matters");
    } else {
        // Without the escapes of quote(), which would change its meaning.
        report.warning(path, "'~" + item.text +
                                 "' stops no client whose address has no name, and clients choose their own "
                                 "names; use addresses where that matters");
    }
}

/// K-55: an unresolved name matches no client, so a rule that denies by name, or an exclusion, lets all pass.
void warn_of_exclusions(const Config& config, Report& report) {
    ItemSearch search(config.lists, [](const HostItem& item, bool excludes) {
        return excludes && (item.kind == Kind::name || item.kind == Kind::pattern);
    });
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const Rule& rule = config.session_acl[i];
        const bool denies = rule.action == Action::deny;
        if (const HostItem* item = search.find(rule.from, denies)) {
            warn_of(*item, rule_path(i, "from"), report);
            continue;
        }
        for (const Destination& to : rule.to) {
            const HostItem* item = search.find(to.host, denies);
            if (!item) continue;
            warn_of(*item, rule_path(i, "to"), report);
            break;
        }
    }
}

/// Names in domains for private use (RFC 6762 appendix G, RFC 8375) usually have private addresses.
void warn_of_private_names(const Config& config, Report& report) {
    constexpr std::string_view private_use[] = {"home.arpa", "internal", "intranet", "private",    "corp",
                                                "home",      "lan",      "local",    "localdomain"};
    if (config.resolver.allow_private) return;
    for (const std::string& name : names(config)) {
        const auto covers = [&name](std::string_view domain) { return is_in_domain(name, domain); };
        const auto domain = std::find_if(std::begin(private_use), std::end(private_use), covers);
        if (domain == std::end(private_use) || std::ranges::any_of(config.resolver.private_domains, covers))
            continue;
        report.warning("resolver.allow-private",
                       "does not cover " + quote(name) + ", and names in " + std::string(*domain) +
                           " usually have private addresses, which are rejected; write allow-private: [" +
                           std::string(*domain) + "], unless the hosts file has the name");
    }
}

/// K-57 holds only where another process asks.
void warn_of_blocking(const Config& config, Report& report) {
    if (!config.singleproc || !(config.log.names || has_patterns(config))) return;
    report.warning("singleproc", std::string(config.log.names ? "log.names" : "a regular expression") +
                                     " resolves the names of clients, and in a single process each "
                                     "look-up blocks all sessions");
}

}  // namespace

std::string rule_path(std::size_t index, const std::string& key) {
    const std::string path = "session-acl[" + std::to_string(index + 1) + "]";
    return key.empty() ? path : path + "." + key;
}

void check_rules(const Config& config, const System& system, Report& report) {
    check_names(config, report);
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const Rule& rule = config.session_acl[i];
        check_target(rule, i, report);
        check_servers(rule, i, report);
        check_idle_keys(rule, i, report);
        if (!rule.source_port) continue;
        check_ephemeral(*rule.source_port, system, rule_path(i, "source-port"), report);
        check_reserved(*rule.source_port, system, rule_path(i, "source-port"), report);
    }
    check_reachable(config, report);
    check_any_accept(config, report);
}

void check_host_names(const Config& config, Report& report) {
    check_counts(config, report);
    warn_of_blocking(config, report);
    // Lists with errors may have cycles.
    if (!report.is_clean("lists")) return;
    check_patterns_in_to(config, report);
    warn_of_exclusions(config, report);
    warn_of_private_names(config, report);
}

}  // namespace conf
