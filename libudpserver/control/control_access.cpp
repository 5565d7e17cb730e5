#include "libudpserver/control/control_access.hpp"

#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace control {
namespace {

/// The kernel has no more than 65,536 groups for a process; it tells how much room it needs.
bool add_groups(int socket, std::vector<gid_t>& groups) {
    std::vector<gid_t> found(64);
    for (;;) {
        auto size = static_cast<socklen_t>(found.size() * sizeof(gid_t));
        const int result = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, found.data(), &size);
        const std::size_t count = size / sizeof(gid_t);
        if (result == 0) {
            groups.insert(groups.end(), found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count));
            return true;
        }
        if (errno != ERANGE || count <= found.size()) return false;
        found.resize(count);
    }
}

bool is_member(const Peer& peer, std::optional<gid_t> group) {
    return group && std::ranges::find(peer.groups, *group) != peer.groups.end();
}

}  // namespace

std::optional<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    Peer peer{credentials.pid, credentials.uid, {credentials.gid}};
    if (!add_groups(socket, peer.groups)) return std::nullopt;
    return peer;
}

Access access_of(const Peer& peer, const ControlRights& rights) {
    if (rights.is_child && rights.is_child(peer.pid)) return Access::none;
    if (peer.uid == 0 || peer.uid == rights.own || is_member(peer, rights.group)) return Access::change;
    return is_member(peer, rights.read_only_group) ? Access::read : Access::none;
}

std::string to_string(const Peer& peer) {
    return fmt::format("uid {} pid {}", peer.uid, peer.pid);
}

}  // namespace control
