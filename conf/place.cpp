#include "conf/place.hpp"

namespace conf {

void Place::refuse(const std::string& text, const std::string& expected, std::string_view word,
                   const std::vector<std::string>& candidates) const {
    if (report.full()) return;  // the search for near words costs
    report.error(node.mark, path, advise(text, expected, word, candidates));
}

void Place::warn(const std::string& text) const {
    report.warning(node.mark, path, text);
}

const std::string* Place::scalar(const std::string& expected) const {
    if (node.kind == Node::Kind::scalar) return &node.text;
    refuse(found(node) + " instead of a value", expected);
    return nullptr;
}

Place Place::item(std::size_t index) const {
    return {node.items[index], path + "[" + std::to_string(index + 1) + "]", report};
}

std::string found(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return "nothing";
        case Node::Kind::scalar:
            return shown(node.text);
        case Node::Kind::sequence:
            return "a list";
        case Node::Kind::map:
            return "a section";
    }
    return "something else";
}

void each_item(const Place& place, const std::string& expected,
               const std::function<void(const Place&)>& read) {
    if (place.node.kind != Node::Kind::sequence) {
        place.refuse(found(place.node) + " instead of a list", expected);
        return;
    }
    if (place.node.items.empty()) place.refuse("the list is empty", expected);
    for (std::size_t i = 0; i < place.node.items.size(); ++i)
        read(place.item(i));
}

void one_or_more(const Place& place, const std::string& expected,
                 const std::function<void(const Place&)>& read) {
    const bool single = place.node.kind == Node::Kind::scalar || place.node.kind == Node::Kind::map;
    if (!single) return each_item(place, expected, read);
    read({place.node, place.path + "[1]", place.report});
}

}  // namespace conf
