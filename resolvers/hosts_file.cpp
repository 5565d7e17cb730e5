#include "resolvers/hosts_file.hpp"

#include <algorithm>
#include <fstream>
#include <optional>

#include "resolvers/dns_question.hpp"

namespace resolvers {
namespace {

constexpr std::string_view blanks = " \t\r\f\v";
constexpr base::Duration between_looks = std::chrono::seconds(1);

// Takes the first word off the line; empty at its end.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const auto word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

std::string read_start(const std::string& path, std::size_t limit) {
    std::ifstream file(path, std::ios::binary);
    std::string text(limit, '\0');
    file.read(text.data(), static_cast<std::streamsize>(limit));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace

HostsTable::HostsTable(std::string_view text) {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        add_line(line.substr(0, line.find('#')));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
}

void HostsTable::add_line(std::string_view line) {
    const auto address = base::parse_address(take_word(line));
    if (!address) return;
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        const auto name = canonical_name(word);
        if (!name) continue;
        addresses_.emplace(*name, *address);
        names_.emplace(*address, *name);
    }
}

std::vector<base::Address> HostsTable::addresses(const std::string& name) const {
    std::vector<base::Address> found;
    for (auto [at, end] = addresses_.equal_range(name); at != end; ++at)
        found.push_back(at->second);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::vector<std::string> HostsTable::names(const base::Address& address) const {
    std::vector<std::string> found;
    for (auto [at, end] = names_.equal_range(address); at != end; ++at)
        if (std::find(found.begin(), found.end(), at->second) == found.end()) found.push_back(at->second);
    return found;
}

const HostsTable& HostsFile::table(base::Instant now) {
    if (now < look_at_) return table_;
    look_at_ = now + between_looks;
    struct stat status {};
    Version version;
    if (::stat(path_.c_str(), &status) == 0 && S_ISREG(status.st_mode))
        version = {status.st_ino, status.st_size, status.st_mtim};
    if (version == version_) return table_;
    version_ = version;
    table_ = version.size < 0 ? HostsTable() : HostsTable(read_start(path_, HostsTable::max_size));
    return table_;
}

}  // namespace resolvers
