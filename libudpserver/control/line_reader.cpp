#include "libudpserver/control/line_reader.hpp"

#include <algorithm>

namespace control {

std::span<char> LineReader::space() {
    if (begin_ > 0) {
        std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                  buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
        end_ -= begin_;
        begin_ = 0;
    }
    return std::span(buffer_).subspan(end_);
}

std::optional<std::string> LineReader::next() {
    const auto bytes = held();
    const auto fresh = bytes.subspan(searched_);
    const auto found = std::ranges::find(fresh, '\n');
    if (found == fresh.end()) {
        searched_ = bytes.size();
        return std::nullopt;
    }
    const std::size_t length = searched_ + static_cast<std::size_t>(found - fresh.begin());
    std::string line(bytes.data(), length);
    if (line.ends_with('\r')) line.pop_back();
    begin_ += length + 1;
    searched_ = 0;
    return line;
}

bool LineReader::too_long() const {
    return held().size() == buffer_.size() && std::ranges::find(held(), '\n') == held().end();
}

}  // namespace control
