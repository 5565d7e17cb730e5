#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/load.hpp"
#include "conf/yaml_source.hpp"

namespace conf {

/// Collects the mistakes of one file. Nothing stops at the first; after 200 the rest is not kept.
class Report {
public:
    explicit Report(const Node& root) : root_(root) {}

    void error(Mark mark, const std::string& path, std::string text);
    void warning(Mark mark, const std::string& path, std::string text);

    /// For checks that know the path only: the place of the value, or of the nearest section around it.
    void error(const std::string& path, std::string text) { error(place(path), path, std::move(text)); }
    void warning(const std::string& path, std::string text) { warning(place(path), path, std::move(text)); }
    [[nodiscard]] Mark place(std::string_view path) const;

    /// Whether the file gives the value itself (otherwise it has its default).
    [[nodiscard]] bool given(std::string_view path) const;

    /// Whether no error lies at the path or below: what a check builds on must be right by itself, or its
    /// mistake would be told twice.
    [[nodiscard]] bool clean(std::string_view path) const;

    /// Whether so many errors are kept that more need not be worded.
    [[nodiscard]] bool full() const;

    /// Moves everything into the result, sorted by place.
    void finish(LoadResult& result);

private:
    const Node& root_;
    std::vector<Error> errors_, warnings_;
};

/// `text (expected WHAT; did you mean 'NEAREST'?)`; empty parts are left out.
std::string advise(const std::string& text, const std::string& expected, std::string_view word = {},
                   const std::vector<std::string>& candidates = {});

/// Foreign text as error messages show it: escaped, cut and in quotes.
std::string shown(std::string_view text);

}  // namespace conf
