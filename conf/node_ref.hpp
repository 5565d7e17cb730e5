#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "conf/report.hpp"
#include "conf/yaml_source.hpp"

namespace conf {

/// A value of the file with its path: what every reader is given, and where it complains.
struct NodeRef {
    const Node& node;
    std::string path;
    Report& report;

    /// One error here: what is wrong, what was expected, the nearest known word.
    void refuse(const std::string& text, const std::string& expected = {}, std::string_view word = {},
                const std::vector<std::string>& candidates = {}) const;
    void warn(const std::string& text) const;

    /// The text of a scalar, or an error that says what was found instead.
    [[nodiscard]] const std::string* scalar(const std::string& expected) const;
    [[nodiscard]] bool is_map() const { return node.kind == Node::Kind::map; }

    /// The item of a list, numbered from 1 as the rules are.
    [[nodiscard]] NodeRef item(std::size_t index) const;
};

/// Describes a node for messages: `'abc'`, `a list`, `a section`, `nothing`.
std::string describe(const Node& node);

/// Calls `read` for each item of a list. An empty list is refused: `from: []` would match every client.
void each_item(const NodeRef& ref, const std::string& expected,
               const std::function<void(const NodeRef&)>& read);

/// The same for values where one may stand without a list around it.
void one_or_more(const NodeRef& ref, const std::string& expected,
                 const std::function<void(const NodeRef&)>& read);

}  // namespace conf
