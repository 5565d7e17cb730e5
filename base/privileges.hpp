#pragma once

#include <sys/types.h>

#include <string>

namespace base {

/// An account of the system.
struct User {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
};

/// Looks an account up, by name only. Throws Fatal when there is none of that name.
User find_user(const std::string& name);

/// Throws Fatal when drop_privileges(user) could not work: `user` is root, or this process is neither root
/// nor that user.
void check_can_become(const User& user);

/// Makes this process run as `user` for good: groups, group, user, no capabilities, no new privileges by exec
/// (K-12), and verifies that the old ones cannot be regained. Without root it only accepts the account that
/// the process has already. Throws Fatal with the step that failed; the process must then exit.
void drop_privileges(const User& user);

/// For a process that keeps its user: no new privileges by exec. Throws Fatal.
void forbid_new_privileges();

/// The kernel sends `signal` when the parent exits; false when `parent` has exited already. The kernel clears
/// this when the user changes, so call it after drop_privileges. Throws Fatal.
bool die_with_parent(pid_t parent, int signal);

}  // namespace base
