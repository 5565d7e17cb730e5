#include "resolvers/hosts_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/log.hpp"
#include "base/text.hpp"
#include "resolvers/dns_question.hpp"
#include "resolvers/file_text.hpp"

namespace resolvers {
namespace {

constexpr base::Duration check_interval = std::chrono::seconds(1);
constexpr std::size_t max_word = 64;

}  // namespace

HostsTable::HostsTable(std::string_view text) {
    cut_ = text.size() > max_size;
    // A truncated name would be another name.
    if (cut_) text = text.substr(0, text.rfind('\n', max_size - 1) + 1);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto line = text.substr(0, text.find('\n'));
        add_line(line.substr(0, line.find('#')), number);
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
}

void HostsTable::add_line(std::string_view line, std::size_t number) {
    const auto first = take_word(line);
    if (first.empty()) return;
    const auto address = base::parse_address(first);
    if (!address) return add_mistake(number, first, "is not an address; the line is ignored");
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        const auto name = canonical_name(word);
        if (!name) {
            add_mistake(number, word, "is not a host name; it is ignored");
            continue;
        }
        addresses_.emplace(*name, *address);
        names_.emplace(*address, *name);
    }
}

void HostsTable::add_mistake(std::size_t line, std::string_view word, const char* what) {
    if (mistakes_.size() == max_mistakes)
        ++more_mistakes_;
    else
        mistakes_.push_back(fmt::format("line {}: '{}' {}", line, base::printable(word, max_word), what));
}

std::vector<std::string> HostsTable::mistakes() const {
    auto all = mistakes_;
    if (more_mistakes_ > 0) all.push_back(fmt::format("and {} more", more_mistakes_));
    if (cut_) all.push_back(fmt::format("longer than {}; the rest is ignored", base::format_size(max_size)));
    return all;
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
    if (path_.empty() || now < check_at_) return table_;
    check_at_ = now + check_interval;
    check();
    return table_;
}

void HostsFile::check() {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) {
        const bool may_be_missing = errno == ENOENT && path_ == system_hosts_file;
        return clear(may_be_missing ? "" : std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) return clear("not a regular file");
    const Version version{status.st_ino, status.st_size, status.st_mtim};
    if (version == version_) return;
    read(version);
}

void HostsFile::read(const Version& version) {
    const auto text = read_start(path_, HostsTable::max_size + 1);
    if (!text) return clear(std::strerror(errno));
    version_ = version;
    table_ = HostsTable(*text);
    if (!log_) return;
    if (!trouble_.empty())
        base::log::write(base::msg::hosts_file_readable, "hosts file {}: readable again", path_);
    trouble_.clear();
    for (const std::string& mistake : table_.mistakes())
        base::log::write(base::msg::hosts_file_mistake, "hosts file {}: {}", path_, mistake);
}

// Without a version the next check reads it in any case.
void HostsFile::clear(const std::string& why) {
    version_ = {};
    table_ = {};
    if (!log_ || why == trouble_) return;
    trouble_ = why;
    if (!why.empty())
        base::log::write(base::msg::hosts_file_unreadable,
                         "hosts file {}: {}; its names are resolved by the name servers", path_, why);
}

}  // namespace resolvers
