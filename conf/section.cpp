#include "conf/section.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace conf {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Section::Section(const Place& place) : place_(place), readable_(place.is_map()) {
    if (!readable_) {
        place.refuse(found(place.node) + " instead of a section", "keys with values");
        return;
    }
    for (std::size_t i = 0; i < place.node.keys.size(); ++i)
        index_key(place.node.keys[i], place.node.items[i]);
}

void Section::index_key(const Node& key, const Node& value) {
    if (key.kind != Node::Kind::scalar) {
        place_.report.error(key.mark, place_.path, advise(found(key) + " instead of a key", "a plain word"));
        return;
    }
    const auto [entry, is_new] = entries_.try_emplace(key.text, &key, &value);
    if (is_new) return;
    const Mark first = entry->second.first->mark;
    place_.report.error(key.mark, path_of(key.text),
                        "the key is given twice (first at line " + std::to_string(first.line) + ", column " +
                            std::to_string(first.column) + ")");
}

std::string Section::path_of(std::string_view key) const {
    const std::string name = base::printable(key, 60);
    return place_.path.empty() ? name : place_.path + "." + name;
}

const Node* Section::find(std::string_view key) const {
    const auto entry = entries_.find(key);
    return entry == entries_.end() ? nullptr : entry->second.second;
}

std::optional<Place> Section::child(std::string_view key) {
    accept(key);
    const Node* value = find(key);
    if (!value) return std::nullopt;
    return Place{*value, path_of(key), place_.report};
}

std::optional<Place> Section::required_child(std::string_view key, const std::string& expected) {
    if (!has(key)) missing(key, expected);
    return child(key);
}

bool Section::later(std::string_view key, const std::string& advice) {
    later_.emplace_back(key);
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) return false;
    place_.report.error(entry->second.first->mark, path_of(key), "comes with a later version; " + advice);
    return true;
}

void Section::missing(std::string_view key, const std::string& expected) const {
    if (!readable_) return;
    place_.report.error(place_.node.mark, path_of(key), advise("is missing", expected));
}

void Section::finish() const {
    for (std::size_t i = 0; readable_ && i < place_.node.keys.size(); ++i) {
        const Node& key = place_.node.keys[i];
        if (key.kind != Node::Kind::scalar || contains(known_, key.text) || contains(later_, key.text))
            continue;
        if (place_.report.full()) return;
        std::string advice = advise("unknown key", "", key.text, known_);
        if (advice == "unknown key") advice = advise(advice, "one of " + base::joined(known_));
        place_.report.error(key.mark, path_of(key.text), advice);
    }
}

}  // namespace conf
