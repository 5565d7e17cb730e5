#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace control {

/// Cuts a stream into lines as it comes in. Never holds more than one line of the longest length allowed, so
/// a peer that sends without end costs no memory.
class LineReader {
public:
    /// `longest`: bytes of a line without its end.
    explicit LineReader(std::size_t longest) : buffer_(longest + 1) {}

    /// Where to put what is read next; empty when a line must be taken first, or the line is too long.
    [[nodiscard]] std::span<char> space();
    /// So many bytes of space() were filled.
    void filled(std::size_t count) { end_ += count; }

    /// The next whole line without its end (`\n` or `\r\n`), nothing when there is none yet.
    std::optional<std::string> next();

    /// There is a line that can never become whole here: nothing that follows can be understood.
    [[nodiscard]] bool too_long() const;
    /// What is there begins a line.
    [[nodiscard]] bool half_line() const { return begin_ < end_; }

private:
    [[nodiscard]] std::span<const char> held() const {
        return std::span(buffer_).subspan(begin_, end_ - begin_);
    }

    std::vector<char> buffer_;
    std::size_t begin_ = 0;  ///< what was not taken yet
    std::size_t end_ = 0;
    std::size_t searched_ = 0;  ///< bytes from begin_ that hold no end of a line
};

}  // namespace control
