#include "libudpserver/sandbox/landlock_rules.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fatal.hpp"
#include "base/unique_fd.hpp"

namespace sandbox {
namespace {

// The headers of the build may be older than the kernel.
struct Ruleset {
    std::uint64_t files, net, scoped;
};
struct [[gnu::packed]] PathRule {
    std::uint64_t allowed;
    std::int32_t parent;
};
struct PortRule {
    std::uint64_t allowed, port;
};
constexpr unsigned path_rule = 1, port_rule = 2;

namespace file {
constexpr std::uint64_t write = 1u << 1, read = 1u << 2, remove_file = 1u << 5, make_device = 1u << 6,
                        make_regular = 1u << 8, make_block_device = 1u << 11, truncate = 1u << 14;
}
constexpr std::uint64_t bind_tcp = 1, connect_tcp = 2;
constexpr std::uint64_t abstract_sockets = 1, signals = 2;

/// All rights to files that this version knows.
std::uint64_t all_files(unsigned version) {
    const unsigned rights = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;
    return (1u << rights) - 1;
}

// The parent's rules also bind its children and the next release, so they are few.
Ruleset ruleset_for(Role role, unsigned version) {
    Ruleset rules{all_files(version), bind_tcp | connect_tcp, abstract_sockets | signals};
    if (role == parent) rules = {file::make_device | file::make_block_device, bind_tcp, signals};
    if (version < 4) rules.net = 0;
    if (version < 6) rules.scoped = 0;
    return rules;
}

std::uint64_t rights_of(Access access) {
    switch (access) {
        case Access::read:
            return file::read;
        case Access::replace:
            return file::write | file::make_regular | file::truncate | file::remove_file;
    }
    return 0;
}

void check_call(long result, const char* what) {
    if (result < 0)
        throw base::Fatal(std::string("sandbox: Landlock: ") + what + ": " + std::strerror(errno));
}

void add_file(int ruleset, const Request::File& allowed, std::uint64_t handled) {
    const base::UniqueFd fd(::open(allowed.path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) return;
    // A file has fewer rights than a folder.
    const std::uint64_t possible =
        S_ISDIR(status.st_mode) ? handled : handled & (file::read | file::write | file::truncate);
    const PathRule rule{rights_of(allowed.access) & possible, fd.get()};
    check_call(::syscall(SYS_landlock_add_rule, ruleset, path_rule, &rule, 0), allowed.path.c_str());
}

void add_port(int ruleset, std::uint16_t port) {
    const PortRule rule{connect_tcp, port};
    check_call(::syscall(SYS_landlock_add_rule, ruleset, port_rule, &rule, 0), "port");
}

std::size_t size_of_ruleset(unsigned version) {
    return (version >= 6 ? 3 : version >= 4 ? 2 : 1) * sizeof(std::uint64_t);
}

}  // namespace

unsigned landlock_version() {
    const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
    return version > 0 ? static_cast<unsigned>(version) : 0;
}

void apply_landlock(const Request& request, unsigned version) {
    const Ruleset rules = ruleset_for(request.role, version);
    const base::UniqueFd ruleset(
        static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size_of_ruleset(version), 0)));
    check_call(ruleset.get(), "rules");
    for (const Request::File& allowed : request.files)
        add_file(ruleset.get(), allowed, rules.files);
    if ((rules.net & connect_tcp) != 0)
        for (const std::uint16_t port : request.tcp_ports)
            add_port(ruleset.get(), port);
    check_call(::syscall(SYS_landlock_restrict_self, ruleset.get(), 0), "restriction");
}

}  // namespace sandbox
