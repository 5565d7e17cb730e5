#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "conf/expect.hpp"
#include "conf/place.hpp"

namespace conf {

/// Reads a section key by key and remembers which keys exist, so that finish() can name the unknown ones.
class Section {
public:
    /// Refuses what is no section, and every key that is given twice.
    explicit Section(const Place& place);

    template <typename Out, typename T>
    void optional(std::string_view key, Out& out, const Expect<T>& expect) {
        if (const auto value = child(key)) {
            if (auto read = expect.read(*value)) out = std::move(*read);
        }
    }

    template <typename Out, typename T>
    void required(std::string_view key, Out& out, const Expect<T>& expect) {
        if (!has(key)) missing(key, expect.what);
        optional(key, out, expect);
    }

    /// The value of a key that this version knows, when the file has it.
    std::optional<Place> child(std::string_view key);
    /// The same for a key that must be there.
    std::optional<Place> required_child(std::string_view key, const std::string& expected);

    /// A key of a coming version: refused with the reason and what to do today. Tells whether it was there.
    bool later(std::string_view key, const std::string& advice);

    /// A key of the user's own choice (the names of `lists`): known from now on.
    void accept(std::string_view key) { known_.emplace_back(key); }

    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
    [[nodiscard]] std::string path_of(std::string_view key) const;
    [[nodiscard]] const Place& place() const { return place_; }

    /// Every unknown key is an error with the nearest known one.
    void finish() const;

private:
    [[nodiscard]] const Node* find(std::string_view key) const;
    void missing(std::string_view key, const std::string& expected) const;
    void index_key(const Node& key, const Node& value);

    Place place_;
    bool readable_ = false;
    std::unordered_map<std::string_view, std::pair<const Node*, const Node*>> entries_;  ///< key and value
    std::vector<std::string> known_;
    std::vector<std::string> later_;
};

}  // namespace conf
