#pragma once

#include <sys/stat.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libudpserver/base/clock.hpp"
#include "libudpserver/base/endpoint.hpp"

namespace resolvers {

/// The names of a hosts file. A line that makes no sense, or a name that is none, is passed over.
class HostsTable {
public:
    /// A file longer than this is cut.
    static constexpr std::size_t max_size = 1u << 20;

    HostsTable() = default;
    explicit HostsTable(std::string_view text);

    /// Empty when there are none. `name` is canonical.
    [[nodiscard]] std::vector<base::Address> addresses(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> names(const base::Address& address) const;

private:
    void add_line(std::string_view line);

    std::multimap<std::string, base::Address> addresses_;
    std::multimap<base::Address, std::string> names_;
};

/// A hosts file that is read again when it has changed; looked at once a second at most. A file that is not
/// there is an empty one.
class HostsFile {
public:
    explicit HostsFile(std::string path) : path_(std::move(path)) {}
    const HostsTable& table(base::Instant now);

private:
    /// What tells one version of the file from another.
    struct Version {
        ino_t inode = 0;
        off_t size = -1;
        timespec changed{};
        bool operator==(const Version& other) const {
            return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
                   changed.tv_nsec == other.changed.tv_nsec;
        }
    };

    std::string path_;
    HostsTable table_;
    Version version_;
    base::Instant look_at_{};
};

}  // namespace resolvers
