#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string_view>

/// What each process of proxyd may do. The filters, the Landlock rules, the capabilities, the table in
/// proxyd(8) and the drop-in for systemd come from table.cpp.
namespace sandbox {

/// The processes, as bits: a row may be for several.
enum Role : unsigned { parent = 1, reg = 2, acr = 4, apr = 8, log = 16 };
inline constexpr std::array all_roles{parent, reg, acr, apr, log};
std::string_view to_string(Role role);

/// What a configuration needs, as bits: a row may depend on one of them.
enum Need : unsigned { always = 0, syslog = 1, status_file = 2, private_names = 4, time_zone = 8 };

/// Whether a row with this need applies to a configuration with those.
constexpr bool is_needed(Need need, unsigned needs) {
    return need == always || (need & needs) != 0;
}

enum class Action {
    allow,
    refuse,  ///< as a kernel without the call does (ENOSYS): the C library then uses an older one
    deny,    ///< EPERM
    kill,    ///< the process
};

/// A test of one argument of a call. The kernel uses the lower half of an int, so a test does, too.
struct Condition {
    static constexpr unsigned no_argument = 6;
    static constexpr std::uint64_t whole = std::numeric_limits<std::uint32_t>::max();

    unsigned argument = no_argument;
    std::string_view text;  ///< for the manual
    std::uint64_t mask = whole;
    std::array<std::uint64_t, 8> values{};  ///< the masked argument is one of these
    std::size_t count = 0;
    std::uint64_t below = 0;   ///< or the argument is less than this
    bool own_process = false;  ///< or it is the id of the calling process

    [[nodiscard]] constexpr bool exists() const { return argument != no_argument; }
};

/// Calls that the roles may make, or that they may not. A call that the table has, but not for this child or
/// not with these arguments, kills the child. One that it does not have is refused, because the next C
/// library may try it; the parent may make it, because its filter survives an upgrade and the next release
/// may need it.
struct CallRow {
    Action action;
    unsigned roles;
    Need need;
    std::string_view calls;  ///< with spaces between them
    std::string_view purpose;
    Condition first = {}, second = {}, third = {};
};
std::span<const CallRow> call_rows();

/// Files, for Landlock. Folders, because a file that is replaced is another one.
enum class Place {
    status_folder,  ///< of status-file
    hosts_folder,   ///< of resolver.hosts-file
    random,         ///< /dev/urandom
    local_time,     ///< of /etc/localtime
    time_zones,     ///< /usr/share/zoneinfo
};
enum class Access { read, replace };
struct FileRow {
    unsigned roles;
    Need need;
    Place place;
    Access access;
    std::string_view purpose;
};
std::span<const FileRow> file_rows();
std::string_view to_string(Place place);
std::string_view to_string(Access access);

/// What the parent keeps of the capabilities that it was started with. Children keep none.
struct CapabilityRow {
    unsigned number;
    std::string_view name;
    std::string_view purpose;
};
std::span<const CapabilityRow> capability_rows();

/// Of the parent's filter and rules. An upgraded parent adds its own only if they have a higher version.
inline constexpr unsigned parent_version = 1;

}  // namespace sandbox
