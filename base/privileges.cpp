#include "base/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
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
    require(::initgroups(user.name.c_str(), user.gid) == 0, "initgroups for " + who);
    require(::setresgid(user.gid, user.gid, user.gid) == 0, "setresgid for " + who);
    require(::setresuid(user.uid, user.uid, user.uid) == 0, "setresuid for " + who);
}

// An init system may start proxyd unprivileged but with ambient capabilities: drop these, too.
void clear_capabilities() {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> none{};
    require(::syscall(SYS_capset, &header, none.data()) == 0, "capset");
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

}  // namespace

User find_user(const std::string& name) {
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    const int error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return {name, entry.pw_uid, entry.pw_gid};
    // The standard lets getpwnam_r report an unknown name by several errors; only these are real ones.
    if (error == EIO || error == EMFILE || error == ENFILE || error == ENOMEM || error == ERANGE)
        throw Fatal("user: cannot look up '" + printable(name) + "': " + std::strerror(error));
    throw Fatal("user: there is no account '" + printable(name) +
                "' on this system; create it or correct the name");
}

void check_can_become(const User& user) {
    if (user.uid == 0) throw Fatal("user: '" + user.name + "' is root; name an unprivileged account");
    if (::geteuid() != 0 && ::geteuid() != user.uid)
        throw Fatal("user: only root can change to '" + user.name + "'; start as root or remove user:");
}

void drop_privileges(const User& user) {
    check_can_become(user);
    if (::geteuid() == 0) become_user(user);
    clear_capabilities();
    verify(user);
    forbid_new_privileges();
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
