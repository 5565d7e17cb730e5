#include "conf/section.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"

namespace conf {
namespace {

bool contains(const std::vector<std::string>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// What YAML reads as one value inside braces.
bool is_plain(std::string_view text) {
    const auto is_safe = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '/' || c == '.' || c == '-';
    };
    return !text.empty() && text.size() <= 60 && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), is_safe);
}

/// `max-sessions: 100` for `max-sessions:100`, which YAML reads as one text.
std::string with_blank(const std::string& text) {
    const std::size_t colon = text.find(':');
    if (colon == 0 || colon == std::string::npos || colon + 1 >= text.size()) return {};
    const std::string key = text.substr(0, colon);
    const bool is_key = is_plain(key) && key.find_first_of("/.") == std::string::npos &&
                        std::isalpha(static_cast<unsigned char>(key.front())) != 0;
    return is_key && is_plain(text.substr(colon + 1)) ? key + ": " + text.substr(colon + 1) : "";
}

/// What to write instead of a value that is no section.
std::string form_of(const Node& node, std::string_view scalar_key) {
    if (node.kind == Node::Kind::scalar)
        if (const std::string meant = with_blank(node.text); !meant.empty())
            return "'" + meant + "', with a blank after the ':'";
    if (scalar_key.empty() || node.kind != Node::Kind::scalar || !is_plain(node.text))
        return "keys with values";
    return "{" + std::string(scalar_key) + ": " + node.text + "}";
}

}  // namespace

Section::Section(const NodeRef& ref, std::string_view scalar_key) : ref_(ref), readable_(ref.is_map()) {
    if (!readable_) {
        ref.refuse(describe(ref.node) + " instead of a section", form_of(ref.node, scalar_key));
        return;
    }
    for (std::size_t i = 0; i < ref.node.keys.size(); ++i)
        index_key(ref.node.keys[i], ref.node.items[i]);
}

void Section::index_key(const Node& key, const Node& value) {
    if (key.kind != Node::Kind::scalar) {
        ref_.report.error(key.mark, ref_.path,
                          with_hint(describe(key) + " instead of a key", "a plain word"));
        return;
    }
    const auto [entry, is_new] = entries_.try_emplace(key.text, &key, &value);
    if (is_new) return;
    const Mark first = entry->second.first->mark;
    ref_.report.error(key.mark, path_of(key.text),
                      "duplicate key (first at line " + std::to_string(first.line) + ", column " +
                          std::to_string(first.column) + ")");
}

std::string Section::path_of(std::string_view key) const {
    const std::string name = base::printable(key, 60);
    return ref_.path.empty() ? name : ref_.path + "." + name;
}

const Node* Section::find(std::string_view key) const {
    const auto entry = entries_.find(key);
    return entry == entries_.end() ? nullptr : entry->second.second;
}

std::optional<NodeRef> Section::child(std::string_view key) {
    accept(key);
    const Node* value = find(key);
    if (!value) return std::nullopt;
    return NodeRef{*value, path_of(key), ref_.report};
}

std::optional<NodeRef> Section::required_child(std::string_view key, const std::string& expected) {
    if (!has(key)) report_missing(key, expected);
    return child(key);
}

bool Section::unsupported(std::string_view key, const std::string& instead) {
    unsupported_.emplace_back(key);
    const auto entry = entries_.find(key);
    if (entry == entries_.end()) return false;
    ref_.report.error(entry->second.first->mark, path_of(key), with_hint("is not supported yet", instead));
    return true;
}

void Section::report_missing(std::string_view key, const std::string& expected) const {
    if (!readable_) return;
    ref_.report.error(ref_.node.mark, path_of(key), with_hint("is missing", expected));
}

void Section::finish() const {
    for (std::size_t i = 0; readable_ && i < ref_.node.keys.size(); ++i) {
        const Node& key = ref_.node.keys[i];
        if (key.kind != Node::Kind::scalar || contains(known_, key.text) || contains(unsupported_, key.text))
            continue;
        if (ref_.report.is_full()) return;
        std::string advice = with_hint("unknown key", "", key.text, known_);
        if (advice == "unknown key") advice = with_hint(advice, "one of " + base::joined(known_));
        ref_.report.error(key.mark, path_of(key.text), advice);
    }
}

}  // namespace conf
