#include "base/privileges.hpp"

#include <cap-ng.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/fatal.hpp"
#include "base/text.hpp"

namespace base {
namespace {

void require(bool done, const std::string& step) {
    if (!done) throw Fatal("privileges: " + step + ": " + std::strerror(errno));
}

void become_user(const User& user) {
    const auto who = user.name + " (uid " + std::to_string(user.uid) + ")";
    // In this order: after the user is gone, groups can no longer be changed.
    require(::setgroups(user.groups.size(), user.groups.data()) == 0, "setgroups for " + who);
    require(::setresgid(user.gid, user.gid, user.gid) == 0, "setresgid for " + who);
    require(::setresuid(user.uid, user.uid, user.uid) == 0, "setresuid for " + who);
}

// Only with CAP_SETPCAP, which is lost with the user. Without it no_new_privs makes the set useless.
void clear_bounding_set() {
    ::capng_clear(CAPNG_SELECT_ALL);
    ::capng_get_caps_process();
    if (::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 0) return;
    ::capng_clear(CAPNG_SELECT_BOUNDS);
    require(::capng_apply(CAPNG_SELECT_BOUNDS) == 0, "bounding set");
}

constexpr gid_t no_group = static_cast<gid_t>(-1);

std::optional<id_t> parse_id(const std::string& text) {
    id_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    // The kernel reads the largest id as "do not change".
    const bool good = error == std::errc() && end == text.data() + text.size() && id != static_cast<id_t>(-1);
    return good ? std::optional(id) : std::nullopt;
}

/// Runs a look-up of the C library, such as getpwnam_r without its first argument. False if there is no such
/// entry, which the standard lets it report by several errors; throws Fatal if the look-up itself fails.
template <typename Entry, typename Call>
bool look_up(const std::string& what, Entry& entry, std::vector<char>& buffer, Call call) {
    Entry* found = nullptr;
    int error = ERANGE;
    // A group with many members needs a larger buffer.
    for (std::size_t size = 16 * 1024; error == ERANGE && size <= 16 << 20; size *= 4) {
        buffer.resize(size);
        error = call(&entry, buffer.data(), buffer.size(), &found);
    }
    if (found == nullptr &&
        (error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM || error == ERANGE))
        throw Fatal("cannot look up " + what + ": " + std::strerror(error));
    return found != nullptr;
}

/// By name; a number that is no name is a uid, which needs no account.
User find_account(const std::string& name) {
    const std::string what = "user '" + printable(name) + "'";
    std::vector<char> buffer;
    passwd entry{};
    if (look_up(what, entry, buffer, [&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); }))
        return {name, entry.pw_uid, entry.pw_gid, name};
    const std::optional<id_t> uid = parse_id(name);
    if (!uid)
        throw Fatal("user: there is no account '" + printable(name) +
                    "' on this system; create it or correct the name");
    if (look_up(what, entry, buffer, [&](auto... rest) { return ::getpwuid_r(*uid, rest...); }))
        return {entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_name};
    return {name, *uid, no_group, ""};
}

void verify(const User& user) {
    uid_t real = 0, effective = 0, saved = 0;
    gid_t real_group = 0, effective_group = 0, saved_group = 0;
    require(::getresuid(&real, &effective, &saved) == 0, "getresuid");
    require(::getresgid(&real_group, &effective_group, &saved_group) == 0, "getresgid");
    const bool right = real == user.uid && effective == user.uid && saved == user.uid &&
                       real_group == user.gid && effective_group == user.gid && saved_group == user.gid;
    if (!right) throw Fatal("privileges: the ids are not those of " + user.name + " after the change");
    if (::setuid(0) == 0 || ::seteuid(0) == 0)
        throw Fatal("privileges: the process could still become root after the change");
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
    std::vector<gid_t> groups(64);
    int count = static_cast<int>(groups.size());
    // If there are more, `count` says how many.
    while (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0)
        groups.resize(std::max(static_cast<std::size_t>(count), groups.size() * 2));
    groups.resize(static_cast<std::size_t>(count));
    return groups;
}

}  // namespace

User find_user(const std::string& text) {
    const auto colon = text.find(':');
    User user = find_account(text.substr(0, colon));
    if (colon != text.npos) {
        const std::string name = text.substr(colon + 1);
        const std::optional<gid_t> gid = find_group(name);
        if (!gid)
            throw Fatal("user: there is no group '" + printable(name) +
                        "' on this system; create it or correct the name");
        user.gid = *gid;
    } else if (user.gid == no_group) {
        throw Fatal("user: uid " + text + " has no account, so its group is unknown; write " + text +
                    ":GROUP");
    }
    user.groups = user.account.empty() ? std::vector<gid_t>{user.gid} : groups_of(user.account, user.gid);
    return user;
}

std::optional<gid_t> find_group(const std::string& name) {
    std::vector<char> buffer;
    group entry{};
    if (look_up("group '" + printable(name) + "'", entry, buffer,
                [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); }))
        return entry.gr_gid;
    return parse_id(name);
}

void check_can_become(const User& user) {
    if (user.uid == 0) throw Fatal("user: '" + user.name + "' is root; name an unprivileged account");
    if (::geteuid() != 0 && ::geteuid() != user.uid)
        throw Fatal("user: only root can change to '" + user.name + "'; start as root or remove user:");
}

void drop_privileges(const User& user) {
    check_can_become(user);
    clear_bounding_set();
    if (::geteuid() == 0) become_user(user);
    keep_capabilities({});
    verify(user);
    forbid_new_privileges();
}

// An init system may start proxyd unprivileged but with ambient capabilities: drop these, too.
void keep_capabilities(std::span<const unsigned> kept) {
    ::capng_clear(CAPNG_SELECT_ALL);
    require(::capng_get_caps_process() == 0, "read the capabilities");
    const bool has_bounds = ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0;
    constexpr auto everywhere = static_cast<capng_type_t>(
        CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET | CAPNG_AMBIENT);
    for (unsigned number = 0; number <= CAP_LAST_CAP; ++number)
        if (std::ranges::find(kept, number) == kept.end()) ::capng_update(CAPNG_DROP, everywhere, number);
    if (has_bounds) require(::capng_apply(CAPNG_SELECT_BOUNDS) == 0, "bounding set");
    require(::capng_apply(static_cast<capng_select_t>(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT)) == 0,
            "capabilities");
}

void forbid_new_privileges() {
    require(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
}

bool die_with_parent(pid_t parent, int signal) {
    require(::prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0) == 0, "parent-death signal");
    // If the parent exited before the call, the signal will never be sent.
    return ::getppid() == parent;
}

}  // namespace base
