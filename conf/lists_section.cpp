#include <algorithm>

#include "conf/host_items.hpp"
#include "conf/section.hpp"
#include "conf/sections.hpp"

namespace conf {
namespace {

bool is_list_name(std::string_view text) {
    return is_word(text) && text.find('.') == std::string_view::npos;
}

bool is_new(const std::vector<NamedList>& lists, std::string_view name) {
    return std::none_of(lists.begin(), lists.end(), [&](const NamedList& list) { return list.name == name; });
}

}  // namespace

void read_lists(const Place& place, std::vector<NamedList>& lists) {
    Section section(place);
    if (!place.is_map()) return;
    if (place.node.keys.size() > 1000) return place.refuse("more than 1000 lists");
    // All names first: a list may use one that stands below it.
    for (const Node& key : place.node.keys) {
        if (key.kind != Node::Kind::scalar) continue;
        if (!is_list_name(key.text)) {
            place.report.error(key.mark, section.path_of(key.text),
                               advise("a bad name of a list", "1 to 64 letters, digits, '_' or '-'"));
        } else if (is_new(lists, key.text)) {
            lists.push_back({key.text, {}});
        }
    }
    for (NamedList& list : lists) {
        if (const auto items = section.child(list.name)) read_host_items(*items, lists, list.items);
    }
}

}  // namespace conf
