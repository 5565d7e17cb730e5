#include "libudpserver/net/socket_pool.hpp"

#include <algorithm>
#include <cerrno>

#include "libudpserver/net/udp_socket.hpp"

namespace net {

namespace {

constexpr int random_attempts = 64;
/// Datagrams of a server wait here while REG is busy or restarts; the system's default holds less than a
/// hundred of 1,200 bytes. Only queued datagrams take memory.
constexpr std::uint64_t receive_buffer = 1u << 20;

void set_pool_options(int fd, base::Family family, const std::string& subject) {
    set_option(fd, SOL_SOCKET, SO_BROADCAST, 1, subject, "SO_BROADCAST");
    set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer, subject);
    if (family == base::Family::v6) {
        set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, subject, "IPV6_V6ONLY");
        set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1, subject, "IPV6_RECVTCLASS");
        set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, subject, "IPV6_MTU_DISCOVER");
    } else {
        set_option(fd, IPPROTO_IP, IP_RECVTOS, 1, subject, "IP_RECVTOS");
        set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, subject, "IP_MTU_DISCOVER");
    }
}

/// False when the port is in use or not permitted; throws if another port would not help.
bool take_port(int fd, const PoolGroup& group, unsigned port) {
    const int error = try_bind(fd, {group.source, static_cast<std::uint16_t>(port)});
    if (error != 0 && error != EADDRINUSE && error != EACCES)
        throw SocketError(to_string(group), "bind", error);
    return error == 0;
}

}  // namespace

SocketPool::SocketPool(std::vector<PoolGroup> groups, std::size_t capacity, std::size_t workers)
    : groups_(std::move(groups)), capacity_(capacity), workers_(workers) {
    sockets_.reserve(capacity);
}

SocketPool::SocketPool(std::vector<PoolGroup> groups, std::size_t capacity, std::size_t workers,
                       MuteFilter filter, std::vector<Socket> sockets)
    : groups_(std::move(groups)),
      capacity_(std::max(capacity, sockets.size())),
      workers_(workers),
      filter_(std::move(filter)),
      sockets_(std::move(sockets)) {
    sockets_.reserve(capacity_);
}

void SocketPool::add_groups(const std::vector<PoolGroup>& groups) {
    for (const PoolGroup& group : groups) {
        const auto found = std::ranges::find(groups_, group);
        if (found == groups_.end()) {
            groups_.push_back(group);
        } else {
            found->optional = found->optional && group.optional;
        }
    }
}

void SocketPool::set_workers(std::size_t workers) {
    if (workers == workers_) return;
    workers_ = workers;
    for (std::size_t i = 0; i < sockets_.size(); ++i)
        sockets_[i].worker = static_cast<std::uint8_t>(i % workers);
}

void SocketPool::set_capacity(std::size_t capacity) {
    capacity_ = std::max(capacity, sockets_.size());
    sockets_.reserve(capacity_);
}

void SocketPool::cut_back(std::size_t groups, std::size_t sockets) {
    while (sockets_.size() > sockets)
        sockets_.pop_back();
    if (groups_.size() > groups)
        groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(groups), groups_.end());
}

SocketPool::Chunk SocketPool::grow(std::size_t group, std::size_t worker, std::size_t count) {
    Chunk chunk{.first = sockets_.size()};
    // A broken REG may send any numbers, and every later REG works with what is in the pool.
    if (group >= groups_.size() || worker >= workers_) {
        chunk.error = EINVAL;
        chunk.problem = "unknown group of sockets or worker";
        return chunk;
    }
    const std::vector<std::uint16_t> ports = ports_.of(groups_[group]);
    try {
        for (; chunk.count < std::min(count, chunk_size); ++chunk.count) {
            if (sockets_.size() == capacity_)
                throw SocketError(to_string(groups_[group]), "pool is full", ENOSPC);
            sockets_.push_back({make(groups_[group], ports), static_cast<std::uint16_t>(group),
                                static_cast<std::uint8_t>(worker)});
        }
    } catch (const SocketError& error) {
        chunk.error = error.error;
        chunk.problem = error.what();
    }
    return chunk;
}

base::UniqueFd SocketPool::make(const PoolGroup& group, const std::vector<std::uint16_t>& ports) {
    const std::string subject = to_string(group);
    base::UniqueFd fd = make_udp_socket(group.family, subject);
    set_pool_options(fd.get(), group.family, subject);
    // Muted before it has a port: nothing can be queued when the first session takes it.
    if (const int error = filter_.mute(fd.get()); error != 0)
        throw SocketError(subject, "SO_ATTACH_FILTER", error);
    if (bind_somewhere(fd.get(), group, ports)) return fd;
    const std::size_t own = sockets_of(group);
    throw SocketError(subject,
                      "bind: no free source port; of " + std::to_string(ports.size()) + " proxyd has " +
                          std::to_string(own) + ", and other programs have the rest",
                      EADDRINUSE);
}

std::size_t SocketPool::sockets_of(const PoolGroup& group) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        sockets_, [&](const Socket& one) { return has_same_ports(groups_[one.group], group); }));
}

bool SocketPool::bind_somewhere(int fd, const PoolGroup& group, const std::vector<std::uint16_t>& ports) {
    if (ports.empty()) return false;
    std::uniform_int_distribution<std::size_t> pick(0, ports.size() - 1);
    for (int attempt = 0; attempt < random_attempts; ++attempt) {
        if (take_port(fd, group, ports[pick(random_)])) return true;
    }
    // They are crowded: try each once, from a random one on.
    const std::size_t start = pick(random_);
    for (std::size_t i = 0; i < ports.size(); ++i) {
        if (take_port(fd, group, ports[(start + i) % ports.size()])) return true;
    }
    return false;
}

std::size_t pool_capacity(std::uint32_t max_sessions, std::size_t reserved, std::size_t descriptor_limit) {
    const std::size_t left = descriptor_limit > reserved ? descriptor_limit - reserved : 0;
    return std::min<std::size_t>(std::size_t{max_sessions} * 2 + 1024, left);
}

}  // namespace net
