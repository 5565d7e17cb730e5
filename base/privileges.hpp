#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace base {

/// Whom a process can become.
struct User {
    std::string name;  ///< as in the configuration
    uid_t uid = 0;
    gid_t gid = 0;
    std::string account;          ///< empty for a uid without one
    std::vector<gid_t> groups{};  ///< all of the account, or the group alone
};

/// `USER` or `USER:GROUP`, each a name or a number; without a group it is that of the account. It may wait
/// for a name service, so only the parent does it, and before it starts children. Throws Fatal if there is no
/// such account or group.
User find_user(const std::string& text);

/// A group by name, or a number that is no name; nothing if there is none. Throws Fatal if the look-up fails.
std::optional<gid_t> find_group(const std::string& name);

/// Throws Fatal when drop_privileges(user) could not work: `user` is root, or this process is neither root
/// nor that user.
void check_can_become(const User& user);

/// Makes this process run as `user` for good: groups, group, user, no capabilities, no new privileges by exec
/// (K-12), and verifies that the old ones cannot be regained. Without root it only accepts the account that
/// the process has already. Throws Fatal with the step that failed; the process must then exit.
void drop_privileges(const User& user);

/// Drops all other capabilities, also from the bounding set where that is possible. Throws Fatal.
void keep_capabilities(std::span<const unsigned> kept);

/// For a process that keeps its user: no new privileges by exec. Throws Fatal.
void forbid_new_privileges();

/// The kernel sends `signal` when the parent exits; false when `parent` has exited already. The kernel clears
/// this when the user changes, so call it after drop_privileges. Throws Fatal.
bool die_with_parent(pid_t parent, int signal);

}  // namespace base
