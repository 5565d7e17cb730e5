#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <string>

namespace proxyctl {

/// What is known about a control socket before it is used.
struct SocketFacts {
    uid_t server = 0;  ///< the user of the process that listens
    uid_t own = 0;     ///< the user of proxyctl
    std::string folder;
    uid_t folder_owner = 0;
    gid_t folder_group = 0;
    mode_t folder_mode = 0;
};

/// Why the socket is not used; empty if it may be. The server must run as root, as the user of proxyctl, or
/// as the owner of a folder directly in /run, which only root can have made. Other users must not be able to
/// replace files in the folder.
std::string objection_to(const SocketFacts& facts);

/// Throws a Failure if the process at the other end of the connected socket may not be trusted.
void check_server(int socket, const std::string& path);

}  // namespace proxyctl
