#include "resolvers/file_text.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/unique_fd.hpp"

namespace resolvers {

std::optional<std::string> read_start(const std::string& path, std::size_t limit) {
    // The path may be a pipe, whose other end would block the caller.
    const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return std::nullopt;
    std::string text(limit, '\0');
    std::size_t size = 0;
    while (size < limit) {
        const ssize_t got = ::read(file.get(), text.data() + size, limit - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    return text;
}

std::string_view take_word(std::string_view& line) {
    constexpr std::string_view blanks = " \t\r\f\v";
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const auto word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

}  // namespace resolvers
