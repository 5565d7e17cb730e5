#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "libudpserver/net/deaf_filter.hpp"
#include "libudpserver/net/pool_groups.hpp"

namespace net {

/// The server-side sockets, made and kept by the parent and used by REG, so that they outlive it (DESIGN §4).
/// Each is bound to a random port of its group, for an explicitly bound socket keeps its port while it is
/// connected and disconnected again. It hears nothing until a session opens its ears.
class SocketPool {
public:
    struct Socket {
        base::UniqueFd fd;
        std::uint16_t group = 0;
        std::uint8_t worker = 0;  ///< who has it while it serves nobody
    };

    /// One answer to a request for more: sockets [first, first + count), and why there are not more.
    struct Chunk {
        std::size_t first = 0;
        std::size_t count = 0;
        int error = 0;
        std::string problem;
    };
    static constexpr std::size_t chunk_size = 128;

    SocketPool(std::vector<PoolGroup> groups, std::size_t capacity, std::size_t workers = 1);
    /// With the filter and the sockets that this process had before an exec.
    SocketPool(std::vector<PoolGroup> groups, std::size_t capacity, std::size_t workers, DeafFilter filter,
               std::vector<Socket> sockets);

    /// Makes up to `count` sockets (at most chunk_size) of a group for a worker. A failure ends the chunk
    /// early; a group or worker that there is not gives none, with EINVAL, a full pool ENOSPC.
    Chunk grow(std::size_t group, std::size_t worker, std::size_t count);

    /// A reload: the groups that another configuration needs are added behind those there are, so that
    /// indices stay; groups that it does not need stay too, with their sockets.
    void add_groups(const std::vector<PoolGroup>& groups);
    /// A reload with another number of workers: the sockets are divided among them.
    void set_workers(std::size_t workers);
    /// There may be so many sockets from now on, but never fewer than there are.
    void set_capacity(std::size_t capacity);
    /// Forgets the groups and sockets that were added after there were so many: only for those that no REG
    /// has seen.
    void cut_back(std::size_t groups, std::size_t sockets);

    [[nodiscard]] const std::vector<Socket>& sockets() const { return sockets_; }
    [[nodiscard]] const std::vector<PoolGroup>& groups() const { return groups_; }
    [[nodiscard]] std::size_t capacity() const { return capacity_; }
    /// What keeps idle sockets deaf; its descriptor is to be inherited with the sockets.
    [[nodiscard]] const DeafFilter& filter() const { return filter_; }

private:
    base::UniqueFd make(const PoolGroup& group);
    bool bind_somewhere(int fd, const PoolGroup& group);

    std::vector<PoolGroup> groups_;
    std::size_t capacity_, workers_;
    DeafFilter filter_;
    std::vector<Socket> sockets_;
    conf::PortRange ephemeral_;
    std::random_device random_;
};

/// The kernel's ephemeral port range (net.ipv4.ip_local_port_range).
conf::PortRange ephemeral_ports();

/// How many pool sockets there may be: enough for all sessions and the resting sockets of as many more, but
/// no more than the limit of open files leaves after `reserved` others (L-28).
std::size_t pool_capacity(std::uint32_t max_sessions, std::size_t reserved, std::size_t descriptor_limit);

}  // namespace net
