#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace control {

/// What a command needs and what a client may: `change` includes `read`.
enum class Access : std::uint8_t { none, read, change };

/// The process at the other end of a control connection, as the kernel knows it from the moment of connect.
struct Peer {
    pid_t pid = -1;
    uid_t uid = static_cast<uid_t>(-1);
    std::vector<gid_t> groups;  ///< its own group and the supplementary ones
};

/// Nothing if the kernel does not know.
std::optional<Peer> peer_of(int socket);

/// The users that may use the control socket. Root always has full access.
struct ControlRights {
    uid_t own = 0;                         ///< the parent's user: full access
    std::optional<gid_t> group;            ///< full access
    std::optional<gid_t> read_only_group;  ///< reading commands only
    std::function<bool(pid_t)> is_child;   ///< of the parent: no access, whatever its user
};

Access access_of(const Peer& peer, const ControlRights& rights);

/// `uid 1000 pid 4711`: for log lines.
std::string to_string(const Peer& peer);

}  // namespace control
