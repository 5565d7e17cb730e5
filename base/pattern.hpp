#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace base {

/// A regular expression over host names: it must match the whole name, upper and lower case are the same, and
/// a match takes time linear in the length of the name for every expression. A copy is cheap, and all threads
/// may use it.
class Pattern {
public:
    /// Nothing, with the reason in `error`, when `text` is no expression or one of more than bounded size.
    [[nodiscard]] static std::optional<Pattern> compile(std::string_view text, std::string& error);

    [[nodiscard]] bool matches(std::string_view name) const;

private:
    explicit Pattern(std::shared_ptr<const re2::RE2> compiled) : compiled_(std::move(compiled)) {}

    std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace base
