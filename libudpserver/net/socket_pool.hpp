#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/net/mute_filter.hpp"
#include "libudpserver/net/pool_groups.hpp"
#include "libudpserver/net/source_ports.hpp"

namespace net {

/// The server-side sockets. The parent creates and keeps them, and REG uses them, so that they outlive it
/// (doc/design.md, Ownership). Each is bound explicitly to a random port of its group, because only such a
/// socket keeps its port when it is connected and disconnected. It is muted until a session uses it.
class SocketPool {
public:
    struct Socket {
        base::UniqueFd fd;
        std::uint16_t group = 0;
        std::uint8_t worker = 0;  ///< its worker while it serves no session
    };

    /// The answer to a request for more: sockets [first, first + count), and why there are not more.
    struct Chunk {
        std::size_t first = 0;
        std::size_t count = 0;
        int error = 0;
        std::string problem;
    };
    static constexpr std::size_t chunk_size = 128;

    SocketPool(std::vector<PoolGroup> groups, std::size_t capacity, std::size_t workers = 1);
    /// With the filter and the sockets that this process had before an exec.
    SocketPool(std::vector<PoolGroup> groups, std::size_t capacity, std::size_t workers, MuteFilter filter,
               std::vector<Socket> sockets);

    /// The ports that new sockets may have from now on; without listeners until this is called.
    void set_ports(SourcePorts ports) { ports_ = std::move(ports); }
    /// How many ports the group can use.
    [[nodiscard]] std::size_t ports_of(std::size_t group) const { return ports_.of(groups_[group]).size(); }

    /// Creates up to `count` sockets (at most chunk_size) of a group for a worker. A failure ends the chunk
    /// early: EINVAL for an unknown group or worker, ENOSPC for a full pool.
    Chunk grow(std::size_t group, std::size_t worker, std::size_t count);

    /// Reload: appends the groups that another configuration needs, so that indices stay valid; groups that
    /// it does not need stay, with their sockets.
    void add_groups(const std::vector<PoolGroup>& groups);
    /// Reload: divides the sockets among another number of workers.
    void set_workers(std::size_t workers);
    /// The capacity is never less than the present number of sockets.
    void set_capacity(std::size_t capacity);
    /// Removes the groups and sockets that were added after these numbers: only for those that no REG has
    /// received.
    void cut_back(std::size_t groups, std::size_t sockets);

    [[nodiscard]] const std::vector<Socket>& sockets() const { return sockets_; }
    [[nodiscard]] const std::vector<PoolGroup>& groups() const { return groups_; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    /// Mutes idle sockets; its descriptor is inherited with the sockets.
    [[nodiscard]] const MuteFilter& filter() const { return filter_; }

private:
    base::UniqueFd make(const PoolGroup& group, const std::vector<std::uint16_t>& ports);
    bool bind_somewhere(int fd, const PoolGroup& group, const std::vector<std::uint16_t>& ports);
    [[nodiscard]] std::size_t sockets_of(const PoolGroup& group) const;

    std::vector<PoolGroup> groups_;
    std::size_t capacity_, workers_;
    MuteFilter filter_;
    std::vector<Socket> sockets_;
    SourcePorts ports_{std::vector<conf::ListenOn>{}};
    std::random_device random_;
};

/// The capacity of the pool: enough for all sessions and as many sockets in quarantine, but no more than the
/// limit of open files leaves after `reserved` others (L-28).
std::size_t pool_capacity(std::uint32_t max_sessions, std::size_t reserved, std::size_t descriptor_limit);

}  // namespace net
