#include "conf/report.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

#include "base/text.hpp"

namespace conf {
namespace {

constexpr std::size_t max_errors = 200;

void keep(std::vector<Error>& kept, Mark mark, const std::string& path, std::string text) {
    if (kept.size() > max_errors) return;
    if (kept.size() == max_errors) text = "more than 200 errors; the rest are not shown";
    kept.push_back({mark.line, mark.column, path, std::move(text)});
}

/// Takes the first step off a path: `a.b[2].c` gives `a`, then `b`, then `[2`, then `c`.
std::string_view next_step(std::string_view& path) {
    const std::size_t end = path.find_first_of(".[]", 1);
    std::string_view step = path.substr(0, end);
    path.remove_prefix(std::min(step.size(), path.size()));
    while (!path.empty() && (path.front() == ']' || path.front() == '.'))
        path.remove_prefix(1);
    return step;
}

const Node* follow(const Node& node, std::string_view step) {
    if (step.starts_with('[')) {
        std::size_t index = 0;
        std::from_chars(step.data() + 1, step.data() + step.size(), index);
        // A single value is the first item of a list of one.
        if (node.kind != Node::Kind::sequence) return index == 1 ? &node : nullptr;
        return index >= 1 && index <= node.items.size() ? &node.items[index - 1] : nullptr;
    }
    if (node.kind != Node::Kind::map) return nullptr;
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
        if (node.keys[i].text == step) return &node.items[i];
    }
    return nullptr;
}

bool covers(std::string_view path, std::string_view other) {
    if (!other.starts_with(path)) return false;
    return path.empty() || other.size() == path.size() || other[path.size()] == '.' ||
           other[path.size()] == '[';
}

void sort_by_position(std::vector<Error>& errors) {
    std::stable_sort(errors.begin(), errors.end(), [](const Error& a, const Error& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
}

}  // namespace

void Report::error(Mark mark, const std::string& path, std::string text) {
    keep(errors_, mark, path, std::move(text));
}

void Report::warning(Mark mark, const std::string& path, std::string text) {
    keep(warnings_, mark, path, std::move(text));
}

Mark Report::mark_of(std::string_view path) const {
    const Node* node = &root_;
    while (!path.empty()) {
        const Node* next = follow(*node, next_step(path));
        if (!next) break;
        node = next;
    }
    return node->mark;
}

bool Report::is_given(std::string_view path) const {
    const Node* node = &root_;
    while (node && !path.empty())
        node = follow(*node, next_step(path));
    return node != nullptr;
}

bool Report::is_full() const {
    return errors_.size() > max_errors;
}

bool Report::is_clean(std::string_view path) const {
    if (is_full()) return false;
    return std::none_of(errors_.begin(), errors_.end(),
                        [&](const Error& error) { return covers(path, error.path); });
}

std::vector<Error> Report::take_errors() {
    sort_by_position(errors_);
    return std::move(errors_);
}

std::vector<Error> Report::take_warnings() {
    sort_by_position(warnings_);
    return std::move(warnings_);
}

std::string with_hint(const std::string& text, const std::string& expected, std::string_view word,
                      const std::vector<std::string>& candidates) {
    std::string advice = expected.empty() ? "" : "expected " + expected;
    if (const auto near = word.empty() ? std::nullopt : base::nearest(word, candidates)) {
        advice += (advice.empty() ? "did you mean '" : "; did you mean '") + *near + "'?";
    }
    return advice.empty() ? text : text + " (" + advice + ")";
}

std::string quote(std::string_view text) {
    return "'" + base::printable(text, 60) + "'";
}

std::string to_string(const Error& error, const std::string& file) {
    std::string text = base::printable(file, 4096);
    if (error.line > 0) text += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
    if (!error.path.empty()) text += ": " + error.path;
    return text + ": " + error.text;
}

}  // namespace conf
