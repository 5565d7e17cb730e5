#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace control {

/// Splits a stream into lines. Holds at most one line of the maximum length, so the memory is bounded.
class LineReader {
public:
    /// `max_line`: bytes without the newline.
    explicit LineReader(std::size_t max_line) : buffer_(max_line + 1) {}

    /// The buffer for the next read; empty if a line must be taken first, or the line is too long.
    [[nodiscard]] std::span<char> space();
    /// `count` bytes of space() were filled.
    void filled(std::size_t count) { end_ += count; }

    /// The next complete line without its end (`\n` or `\r\n`), if there is one.
    std::optional<std::string> next();

    /// The line exceeds the maximum; the rest of the stream cannot be parsed.
    [[nodiscard]] bool too_long() const;
    /// There is an incomplete line.
    [[nodiscard]] bool has_partial_line() const { return begin_ < end_; }

private:
    [[nodiscard]] std::span<const char> held() const {
        return std::span(buffer_).subspan(begin_, end_ - begin_);
    }

    std::vector<char> buffer_;
    std::size_t begin_ = 0;  ///< of the bytes that were not taken yet
    std::size_t end_ = 0;
    std::size_t searched_ = 0;  ///< bytes from begin_ without a newline
};

}  // namespace control
