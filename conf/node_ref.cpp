#include "conf/node_ref.hpp"

namespace conf {

void NodeRef::refuse(const std::string& text, const std::string& expected, std::string_view word,
                     const std::vector<std::string>& candidates) const {
    if (report.is_full()) return;  // the search for near words costs
    report.error(node.mark, path, with_hint(text, expected, word, candidates));
}

void NodeRef::warn(const std::string& text) const {
    report.warning(node.mark, path, text);
}

const std::string* NodeRef::scalar(const std::string& expected) const {
    if (node.kind == Node::Kind::scalar) return &node.text;
    refuse(describe(node) + " instead of a value", expected);
    return nullptr;
}

NodeRef NodeRef::item(std::size_t index) const {
    return {node.items[index], path + "[" + std::to_string(index + 1) + "]", report};
}

std::string describe(const Node& node) {
    switch (node.kind) {
        case Node::Kind::null:
            return "an empty value";
        case Node::Kind::scalar:
            return quote(node.text);
        case Node::Kind::sequence:
            return "a list";
        case Node::Kind::map:
            return "a section";
    }
    return "something else";
}

void each_item(const NodeRef& ref, const std::string& expected,
               const std::function<void(const NodeRef&)>& read) {
    if (ref.node.kind != Node::Kind::sequence) {
        ref.refuse(describe(ref.node) + " instead of a list", expected);
        return;
    }
    if (ref.node.items.empty()) ref.refuse("the list is empty", expected);
    for (std::size_t i = 0; i < ref.node.items.size(); ++i)
        read(ref.item(i));
}

void one_or_more(const NodeRef& ref, const std::string& expected,
                 const std::function<void(const NodeRef&)>& read) {
    const bool single = ref.node.kind == Node::Kind::scalar || ref.node.kind == Node::Kind::map;
    if (!single) return each_item(ref, expected, read);
    read({ref.node, ref.path + "[1]", ref.report});
}

}  // namespace conf
