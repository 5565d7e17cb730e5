#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/endpoint.hpp"

namespace resolvers {

/// The only hosts file that may be missing.
inline constexpr const char* system_hosts_file = "/etc/hosts";

/// The names of a hosts file. Invalid lines and names are ignored.
class HostsTable {
public:
    /// A longer file is cut after its last complete line.
    static constexpr std::size_t max_size = 1u << 20;
    static constexpr std::size_t max_mistakes = 5;  ///< that are described

    HostsTable() = default;
    /// `text`: more than `max_size` bytes tell that the file is longer.
    explicit HostsTable(std::string_view text);

    /// Empty when there are none. `name` is canonical.
    [[nodiscard]] std::vector<base::Address> addresses(const std::string& name) const;
    [[nodiscard]] std::vector<std::string> names(const base::Address& address) const;
    /// What was ignored, for the log: the first few, then how many more.
    [[nodiscard]] std::vector<std::string> mistakes() const;

private:
    void add_line(std::string_view line, std::size_t number);
    void add_mistake(std::size_t line, std::string_view word, const char* what);

    std::multimap<std::string, base::Address> addresses_;
    std::multimap<base::Address, std::string> names_;
    std::vector<std::string> mistakes_;
    std::size_t more_mistakes_ = 0;
    bool cut_ = false;
};

/// A hosts file that is read again when it has changed; checked once a second at most. A file that cannot
/// be read is an empty one. With `log`, that and what is ignored in it is logged once for each change.
class HostsFile {
public:
    /// An empty path: no file.
    explicit HostsFile(std::string path, bool log = true) : path_(std::move(path)), log_(log) {}
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

    void check();
    void read(const Version& version);
    void clear(const std::string& why);

    std::string path_;
    bool log_;
    std::string trouble_;  ///< why it cannot be read, as logged
    HostsTable table_;
    Version version_;
    base::Instant check_at_{};
};

}  // namespace resolvers
