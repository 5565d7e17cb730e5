#include "conf/names.hpp"

#include <algorithm>
#include <functional>

namespace conf {
namespace {

/// Visits every item that a rule depends on, those of a list once however often it is used.
class ItemWalk {
public:
    ItemWalk(const Config& config, std::function<void(const HostItem&)> visit)
        : lists_(config.lists), seen_(config.lists.size(), false), visit_(std::move(visit)) {
        for (const Rule& rule : config.session_acl) {
            walk(rule.from);
            for (const Destination& destination : rule.to)
                walk({destination.host});
        }
    }

private:
    void walk(const HostItems& items) {
        for (const HostItem& item : items) {
            visit_(item);
            if (item.kind != HostItem::Kind::list || seen_.at(item.list)) continue;
            seen_[item.list] = true;
            walk(lists_[item.list].items);
        }
    }

    const std::vector<NamedList>& lists_;
    std::vector<bool> seen_;
    std::function<void(const HostItem&)> visit_;
};

}  // namespace

std::vector<std::string> names(const Config& config) {
    std::vector<std::string> names;
    ItemWalk(config, [&names](const HostItem& item) {
        if (item.kind == HostItem::Kind::name) names.push_back(item.text);
    });
    for (const Rule& rule : config.session_acl)
        for (const Server& server : rule.plug_to)
            if (!server.name.empty()) names.push_back(server.name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

bool has_patterns(const Config& config) {
    bool found = false;
    ItemWalk(config, [&found](const HostItem& item) { found |= item.kind == HostItem::Kind::pattern; });
    return found;
}

}  // namespace conf
