#include <array>
#include <functional>
#include <optional>

#include "conf/checks.hpp"
#include "conf/host_items.hpp"
#include "conf/names.hpp"
#include "conf/place.hpp"

namespace conf {
namespace {

constexpr std::size_t most_names = 1000, most_patterns = 1000;

using Kind = HostItem::Kind;

std::string path_of(std::size_t index, const std::string& key) {
    return "session-acl[" + std::to_string(index + 1) + "]." + key;
}

/// Looks for an item in host lists and in the lists that these use, each list once however often it is used.
class ItemSearch {
public:
    /// Told the item, and whether the `!` before it and before the lists on the way to it make it exclude.
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
    if (named > most_names) {
        report.error("session-acl", "the rules and the lists that they use have " + std::to_string(named) +
                                        " names (expected at most 1000)");
    }
    std::size_t patterns = 0;
    for (const NamedList& list : config.lists)
        patterns += count_patterns(list.items);
    for (const Rule& rule : config.session_acl)
        patterns += count_patterns(rule.from);
    if (patterns > most_patterns) {
        report.error("session-acl", "the file has " + std::to_string(patterns) +
                                        " regular expressions (expected at most 1000)");
    }
}

/// A local address has no confirmed name, so a regular expression in `to` would match nothing.
void check_patterns_in_to(const Config& config, Report& report) {
    ItemSearch search(config.lists, [](const HostItem& item, bool) { return item.kind == Kind::pattern; });
    for (std::size_t rule = 0; rule < config.session_acl.size(); ++rule) {
        const auto& to = config.session_acl[rule].to;
        if (!report.clean(path_of(rule, "to"))) continue;
        for (std::size_t i = 0; i < to.size(); ++i) {
            const HostItem* pattern = search.find(to[i].host, false);
            if (!pattern) continue;
            report.error(
                path_of(rule, "to") + "[" + std::to_string(i + 1) + "]",
                advise(shown("@" + config.lists[to[i].host.list].name) + " has the regular expression " +
                           shown("~" + pattern->text) + ", which stands for names of clients",
                       "a list without it"));
        }
    }
}

void warn_of(const HostItem& item, const std::string& path, Report& report) {
    if (item.kind == Kind::name) {
        report.warning(path, shown(item.text) +
                                 " keeps nobody out as long as it has no address; where that "
                                 "matters give addresses");
    } else {
        report.warning(path, shown("~" + item.text) +
                                 " keeps out no client whose address has no name, and clients give names to "
                                 "their addresses themselves; where that matters give addresses");
    }
}

/// K-55: what means nothing matches nobody, so that a rule that denies by it, or an exclusion, lets all pass.
void warn_of_exclusions(const Config& config, Report& report) {
    ItemSearch search(config.lists, [](const HostItem& item, bool excludes) {
        return excludes && (item.kind == Kind::name || item.kind == Kind::pattern);
    });
    for (std::size_t i = 0; i < config.session_acl.size(); ++i) {
        const Rule& rule = config.session_acl[i];
        const bool denies = rule.action == Action::deny;
        if (const HostItem* item = search.find(rule.from, denies)) {
            warn_of(*item, path_of(i, "from"), report);
            continue;
        }
        for (const Destination& to : rule.to) {
            const HostItem* item = search.find(to.host, denies);
            if (!item) continue;
            warn_of(*item, path_of(i, "to"), report);
            break;
        }
    }
}

/// K-57 holds only where another process asks.
void warn_of_blocking(const Config& config, Report& report) {
    if (!config.singleproc || !(config.log.names || has_patterns(config))) return;
    report.warning("singleproc", std::string(config.log.names ? "log.names" : "a regular expression") +
                                     " asks for the names of clients, and in a single process everybody "
                                     "waits for each answer");
}

}  // namespace

void check_host_names(const Config& config, Report& report) {
    check_counts(config, report);
    warn_of_blocking(config, report);
    // Lists with mistakes may be circles.
    if (!report.clean("lists")) return;
    check_patterns_in_to(config, report);
    warn_of_exclusions(config, report);
}

}  // namespace conf
