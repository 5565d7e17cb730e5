#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conf/node_ref.hpp"
#include "conf/value_type.hpp"

namespace conf {

/// Reads a section key by key and remembers which keys exist, so that finish() can name the unknown ones.
class Section {
public:
    /// Refuses what is no section, and every key that is given twice. `scalar_key`: the key that a value
    /// without one is probably meant for.
    explicit Section(const NodeRef& ref, std::string_view scalar_key = {});

    template <typename Out, typename T>
    void optional(std::string_view key, Out& out, const ValueType<T>& type) {
        if (const auto value = child(key)) {
            if (auto read = type.read(*value)) out = std::move(*read);
        }
    }

    template <typename Out, typename T>
    void required(std::string_view key, Out& out, const ValueType<T>& type) {
        if (!has(key)) report_missing(key, type.expected);
        optional(key, out, type);
    }

    /// The value of a key that this version knows, when the file has it.
    std::optional<NodeRef> child(std::string_view key);
    /// The same for a key that must be there.
    std::optional<NodeRef> required_child(std::string_view key, const std::string& expected);

    /// A key of a coming version: refused with the reason and what to do today. Returns whether it was there.
    bool unsupported(std::string_view key, const std::string& instead);

    /// A key of the user's own choice (the names of `lists`): known from now on.
    void accept(std::string_view key) { known_.emplace_back(key); }

    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
    [[nodiscard]] std::string path_of(std::string_view key) const;
    [[nodiscard]] const NodeRef& ref() const { return ref_; }

    /// Every unknown key is an error with the nearest known one.
    void finish() const;

private:
    [[nodiscard]] const Node* find(std::string_view key) const;
    void report_missing(std::string_view key, const std::string& expected) const;
    void index_key(const Node& key, const Node& value);

    NodeRef ref_;
    bool readable_ = false;
    std::unordered_map<std::string_view, std::pair<const Node*, const Node*>> entries_;  ///< key and value
    std::vector<std::string> known_;
    std::vector<std::string> unsupported_;
};

}  // namespace conf
