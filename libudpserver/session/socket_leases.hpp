#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "libudpserver/net/mute_filter.hpp"
#include "libudpserver/session/arena.hpp"

namespace session {

/// Sockets of one group: all, those that can be leased now, those in quarantine. The others serve a session.
struct SocketUse {
    std::size_t all = 0, free = 0, quarantined = 0;
};

/// The state of a worker's pool sockets: free, in quarantine, or leased to a session.
///
/// An answer must never reach another client than the one it belongs to. So a socket goes through the same
/// steps each time: muted while it is idle; connected (or, for session types that accept other senders, only
/// bound) before it is unmuted; muted and drained when it comes back; then in quarantine as long as its last
/// server may still answer, connected to that server. A socket that received something in quarantine starts
/// another one. The quarantine is noted in the arena and holds for the next REG too.
class SocketLeases {
public:
    /// Called once for every socket.
    using AddToPoller = std::function<void(int fd, SocketIndex)>;

    /// `quarantine`: of a socket that received something while it was idle.
    SocketLeases(std::span<PoolEntry> entries, std::size_t groups, const net::MuteFilter& filter,
                 Duration quarantine, AddToPoller add_to_poller);

    /// Adds a socket of this worker; the caller keeps the descriptor. Returns false for an index out of
    /// range. An idle socket is free after its quarantine; any other waits for claim() or
    /// reclaim_unclaimed(). A new socket has served no REG: what the arena says about it is not read.
    bool add(SocketIndex index, int fd, std::size_t group, bool is_new = false);

    /// Leases a random free socket of the group to the session; `no_socket` when there is none.
    SocketIndex lease(std::size_t group, Slot session, Instant now);

    /// Connects the leased socket to the server, or to none, and unmutes it. Returns the errno.
    int open(SocketIndex index, const Endpoint& server, bool connected);

    /// Takes a leased socket back, into quarantine. Returns how many datagrams the kernel dropped because the
    /// socket was full, since the lease or the adoption.
    std::uint32_t give_back(SocketIndex index, Instant quarantined_until);

    /// The group of a socket, the number of groups when there is none.
    [[nodiscard]] std::size_t group_of(SocketIndex index) const;
    /// Adoption: the socket continues to serve `session`, if it is in the state that the record says.
    bool claim(SocketIndex index, Slot session, std::size_t group, const Endpoint& server, bool connected);
    /// Adoption: takes back every socket that no session claimed, into quarantine. No quarantine is longer
    /// than this. An idle socket is believed if it is muted; with `fresh` only if it has never served too.
    void reclaim_unclaimed(Instant quarantined_until, bool fresh);

    [[nodiscard]] int descriptor(SocketIndex index) const { return sockets_[index_of(index)].fd; }
    [[nodiscard]] Slot session_of(SocketIndex index) const;
    /// Sockets of the group that are free now.
    [[nodiscard]] std::size_t available(std::size_t group, Instant now);
    /// Whether a lease would find one: a free socket that received something is quarantined again instead.
    /// Looks at a bounded number.
    [[nodiscard]] bool can_lease(std::size_t group, Instant now);
    /// For all groups, in their order. Looks at every socket: for information only.
    [[nodiscard]] std::vector<SocketUse> use(Instant now);
    [[nodiscard]] std::size_t quarantined() const { return quarantined_.size(); }
    [[nodiscard]] std::size_t size() const { return count_; }
    [[nodiscard]] std::size_t count(std::size_t group) const { return counts_[group]; }

private:
    struct Socket {
        int fd = -1;
        std::uint16_t group = 0;
        bool claimed = false;
        std::uint32_t dropped = 0;  ///< net::dropped() when it was quarantined or adopted
    };
    struct Quarantined {
        Instant until;
        SocketIndex index;
        bool operator>(const Quarantined& other) const { return until > other.until; }
    };

    [[nodiscard]] bool has(SocketIndex index) const {
        return index_of(index) < sockets_.size() && sockets_[index_of(index)].fd >= 0;
    }
    void end_quarantines(Instant now);
    [[nodiscard]] bool is_idle(SocketIndex index, bool fresh) const;
    [[nodiscard]] bool received_while_idle(SocketIndex index) const;
    SocketIndex take_random(std::size_t group);
    void quarantine(SocketIndex index, Instant until);

    std::span<PoolEntry> entries_;
    const net::MuteFilter& filter_;
    Duration quarantine_;
    AddToPoller add_to_poller_;
    std::vector<Socket> sockets_;                 ///< by index
    std::vector<std::vector<SocketIndex>> free_;  ///< by group
    std::vector<Quarantined> quarantined_;        ///< a heap, the earliest on top
    std::size_t count_ = 0;
    std::vector<std::size_t> counts_;  ///< by group
    std::mt19937_64 random_;
};

}  // namespace session
