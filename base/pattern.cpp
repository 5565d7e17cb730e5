#include "base/pattern.hpp"

#include <re2/re2.h>

namespace base {

namespace {

/// Of one expression: the program, and what a match may remember. A match that would need more is slower, but
/// right.
constexpr std::int64_t memory = 256 << 10;

re2::RE2::Options options() {
    re2::RE2::Options options(re2::RE2::Quiet);
    // `.` must be able to match every byte, so that no strange name slips through `!~.*`.
    options.set_encoding(re2::RE2::Options::EncodingLatin1);
    options.set_dot_nl(true);
    options.set_case_sensitive(false);
    options.set_never_capture(true);
    options.set_max_mem(memory);
    return options;
}

}  // namespace

std::optional<Pattern> Pattern::compile(std::string_view text, std::string& error) {
    auto compiled = std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options());
    if (compiled->ok()) return Pattern(std::move(compiled));
    error = compiled->error();
    return std::nullopt;
}

bool Pattern::matches(std::string_view name) const {
    return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *compiled_);
}

}  // namespace base
