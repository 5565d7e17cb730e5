#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/error.hpp"
#include "conf/yaml_source.hpp"

namespace conf {

/// Collects the errors and warnings of one file, at most 200 of each.
class Report {
public:
    explicit Report(const Node& root) : root_(root) {}

    void error(Mark mark, const std::string& path, std::string text);
    void warning(Mark mark, const std::string& path, std::string text);

    /// For checks that know only the path: at the value, or at the nearest section around it.
    void error(const std::string& path, std::string text) { error(mark_of(path), path, std::move(text)); }
    void warning(const std::string& path, std::string text) { warning(mark_of(path), path, std::move(text)); }
    [[nodiscard]] Mark mark_of(std::string_view path) const;

    /// Whether the file sets the value (otherwise it has its default).
    [[nodiscard]] bool is_given(std::string_view path) const;

    /// Whether there is no error at the path or below. A check skips a value that has one, so that the same
    /// error is not reported twice.
    [[nodiscard]] bool is_clean(std::string_view path) const;

    /// Whether the limit of errors is reached, so that no more text needs to be made.
    [[nodiscard]] bool is_full() const;

    /// What was reported, sorted by position.
    std::vector<Error> take_errors();
    std::vector<Error> take_warnings();

private:
    const Node& root_;
    std::vector<Error> errors_, warnings_;
};

/// `text (expected WHAT; did you mean 'NEAREST'?)`; empty parts are left out.
std::string with_hint(const std::string& text, const std::string& expected, std::string_view word = {},
                      const std::vector<std::string>& candidates = {});

/// Foreign text for a message: escaped, cut and in quotes.
std::string quote(std::string_view text);

}  // namespace conf
