#include <algorithm>
#include <optional>
#include <vector>

#include "conf/address_block.hpp"
#include "conf/checks.hpp"
#include "conf/reach.hpp"

/// Rules and listeners that do not meet.
namespace conf {
namespace {

using Reaches = std::vector<Reach>;

std::string item_path(std::size_t rule, const std::string& key, std::size_t item) {
    return rule_path(rule, key) + "[" + std::to_string(item + 1) + "]";
}

/// The listeners of the file as text, cut after a few.
std::string listeners_text(const Config& config) {
    constexpr std::size_t max_shown = 4;
    std::string text;
    for (std::size_t i = 0; i < std::min(config.listen_on.size(), max_shown); ++i)
        text += (i == 0 ? "" : ", ") + to_string(config.listen_on[i]);
    return config.listen_on.size() > max_shown ? text + ", ..." : text;
}

/// Warns of each item of `to` that no listener receives.
void check_to(const Config& config, std::size_t index, Reaches& reaches, Report& report) {
    const Rule& rule = config.session_acl[index];
    for (std::size_t i = 0; i < rule.to.size(); ++i) {
        const auto receives = [&](Reach& reach) { return reach.receives(rule.to[i]); };
        if (rule.to[i].host.negated || std::any_of(reaches.begin(), reaches.end(), receives)) continue;
        report.warning(item_path(index, "to", i),
                       with_hint("no listener receives this, so the item matches nothing",
                                 "an address and port of listen-on: " + listeners_text(config)));
    }
}

const char* version_of(const Reach& reach) {
    return reach.listener().address.family == base::Family::v4 ? "IPv4" : "IPv6";
}

bool is_network_of_all(const HostItem& item) {
    return item.kind == HostItem::Kind::range && !item.negated && item.first.is_any() &&
           prefix_between(item.first, item.last) == 0u;
}

/// `0.0.0.0/0` is meant to be everyone, but matches one IP version only.
void check_from(const Config& config, std::size_t index, Reaches& reaches, Report& report) {
    const Rule& rule = config.session_acl[index];
    const auto is_missed = [&](Reach& reach) {
        return reach.receives_for(rule) && !reach.receives_from(rule.from);
    };
    const auto is_used = [&](Reach& reach) {
        return reach.receives_for(rule) && reach.receives_from(rule.from);
    };
    const auto missed = std::find_if(reaches.begin(), reaches.end(), is_missed);
    if (missed == reaches.end()) return;
    const auto all = std::find_if(rule.from.begin(), rule.from.end(), is_network_of_all);
    const std::string version = version_of(*missed);
    const std::string hint =
        with_hint("", "'*' for all clients, or " + version + " addresses, names or regular expressions");
    if (all != rule.from.end()) {
        report.warning(rule_path(index, "from"), "does not match the " + version + " clients of " +
                                                     to_string(missed->listener()) + hint);
    } else if (std::none_of(reaches.begin(), reaches.end(), is_used)) {
        report.warning(rule_path(index, "from"),
                       "matches no client: the listeners of this rule receive " + version + hint);
    }
}

/// Whether the rule surely receives more than one port of the listener. Not known with an exclusion, which
/// may leave one, and with port 0.
bool covers_ports(const Rule& rule, Reach& reach) {
    const ListenOn& listener = reach.listener();
    const bool excludes =
        std::any_of(rule.to.begin(), rule.to.end(), [](const Destination& to) { return to.host.negated; });
    if (excludes || listener.port.first == 0) return false;
    std::optional<PortRange> covered;
    for (const Destination& to : rule.to) {
        if (!reach.receives(to)) continue;
        const std::uint16_t first = std::max(to.port.first, listener.port.first);
        const std::uint16_t last = std::min(to.port.last, listener.port.last);
        if (!covered) covered = PortRange{first, last};
        covered = PortRange{std::min(covered->first, first), std::max(covered->last, last)};
    }
    const PortRange ports = covered.value_or(listener.port);
    return ports.first != ports.last;
}

/// A server cannot distinguish the ports of a range, because all of them go to its one port.
void check_port_range(const Config& config, std::size_t index, Reaches& reaches, Report& report) {
    const Rule& rule = config.session_acl[index];
    if (rule.action != Action::accept || !report.is_clean(rule_path(index))) return;
    const auto merges = [&](Reach& reach) { return reach.receives_for(rule) && covers_ports(rule, reach); };
    const auto merged = std::find_if(reaches.begin(), reaches.end(), merges);
    if (merged == reaches.end()) return;
    report.warning(rule_path(index, "plug-to"),
                   "several ports of " + to_string(merged->listener()) +
                       " go to the same port of the server (if it serves each of them, write a rule for each "
                       "port with 'to')");
}

void check_used(const Config& config, std::size_t index, Reach& reach, Report& report) {
    const auto uses = [&](const Rule& rule) {
        return rule.action == Action::accept && reach.receives_for(rule) && reach.receives_from(rule.from);
    };
    const auto& rules = config.session_acl;
    if (std::any_of(rules.begin(), rules.end(), uses)) return;
    report.warning("listen-on[" + std::to_string(index + 1) + "]",
                   "no rule accepts sessions here, so every datagram is refused (add a rule with to: '" +
                       to_string(reach.listener()) + "', or remove the listener)");
}

}  // namespace

void check_reach(const Config& config, Report& report) {
    if (!report.is_clean("lists") || !report.is_clean("listen-on") || config.listen_on.empty()) return;
    Reaches reaches;
    reaches.reserve(config.listen_on.size());
    for (const ListenOn& listener : config.listen_on)
        reaches.emplace_back(listener, config.lists);
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        if (!report.is_clean(rule_path(i, "to")) || !report.is_clean(rule_path(i, "from"))) continue;
        check_to(config, i, reaches, report);
        check_from(config, i, reaches, report);
        check_port_range(config, i, reaches, report);
    }
    const bool accepts = std::any_of(config.session_acl.begin(), config.session_acl.end(),
                                     [](const Rule& rule) { return rule.action == Action::accept; });
    if (!accepts || !report.is_clean("session-acl")) return;
    for (std::size_t i = 0; i < reaches.size(); ++i)
        check_used(config, i, reaches[i], report);
}

}  // namespace conf
