#include "resolvers/hosts_file.hpp"

#include <algorithm>
#include <optional>

#include "resolvers/dns_question.hpp"
#include "resolvers/file_text.hpp"

namespace resolvers {
namespace {

constexpr base::Duration between_looks = std::chrono::seconds(1);

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
