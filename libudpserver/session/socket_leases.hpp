#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <vector>

#include "libudpserver/net/deaf_filter.hpp"
#include "libudpserver/session/arena.hpp"

namespace session {

/// Sockets of one group: all, those that could be leased now, those that rest. The others serve a session.
struct SocketUse {
    std::size_t all = 0, free = 0, resting = 0;
};

/// A worker's hold on its share of the parent's pool sockets: which are free, which rest, which serve a
/// session.
///
/// An answer must never reach another client than the one it belongs to. So a socket goes through the same
/// gate each time: deaf while idle; connected (or, for session types that accept other senders, bound only)
/// before its ears are opened; deaf and drained when it comes back; and it rests as long as its last server
/// may still answer, connected to it still; one that was spoken to while it rested rests again. The rest is
/// noted in the arena and holds for the next REG too.
class SocketLeases {
public:
    /// Called once for every socket.
    using AddToPoller = std::function<void(int fd, SocketIndex)>;

    /// `quarantine`: of a socket that received something while it was idle.
    SocketLeases(std::span<PoolEntry> entries, std::size_t groups, const net::DeafFilter& filter,
                 Duration quarantine, AddToPoller add_to_poller);

    /// A socket of this worker's, at its place in the arena; the descriptor stays the caller's. Returns false
    /// for a place out of range. An idle one is free at once, or after its rest; any other waits for claim()
    /// or reclaim().
    bool add(Slot place, int fd, std::size_t group);

    /// A random rested socket of the group, now leased to the session; `none` when there is none.
    Slot lease(std::size_t group, Slot session, Instant now);

    /// Connects the leased socket to the server, or to nobody, and opens its ears. Returns the
    /// errno.
    int open(Slot place, const Endpoint& server, bool connected);

    /// Takes a leased socket back; it may serve again from `rest_until` on. Returns how many datagrams the
    /// kernel dropped meanwhile because the socket was full (since the adoption, if it was adopted).
    std::uint32_t give_back(Slot place, Instant rest_until);

    /// The group of a socket, the number of groups when there is none.
    [[nodiscard]] std::size_t group_of(Slot place) const;
    /// Adoption: the socket goes on serving `session`, if it is in the state that the record says.
    bool claim(Slot place, Slot session, std::size_t group, const Endpoint& server, bool connected);
    /// Adoption: every socket that no session claimed comes back, to rest until then.
    void reclaim_rest(Instant rest_until);

    [[nodiscard]] int descriptor(Slot place) const { return sockets_[place].fd; }
    [[nodiscard]] Slot session_of(Slot place) const;
    /// Sockets of the group that could be leased now.
    [[nodiscard]] std::size_t available(std::size_t group, Instant now);
    /// Whether one of them would be: those that were spoken to while they rested rest again instead. Looks at
    /// a bounded number.
    [[nodiscard]] bool can_lease(std::size_t group, Instant now);
    /// For all groups, in their order. Looks at every socket: for information only.
    [[nodiscard]] std::vector<SocketUse> use(Instant now);
    [[nodiscard]] std::size_t resting() const { return resting_.size(); }
    [[nodiscard]] std::size_t size() const { return count_; }

private:
    struct Socket {
        int fd = -1;
        std::uint16_t group = 0;
        bool claimed = false;
        std::uint32_t dropped = 0;  ///< net::dropped() when it was laid to rest or adopted
    };
    struct Resting {
        Instant until;
        Slot place;
        bool operator>(const Resting& other) const { return until > other.until; }
    };

    void wake_rested(Instant now);
    [[nodiscard]] bool spoken_to(Slot place) const;
    Slot take_random(std::size_t group);
    void lay_down(Slot place, Instant until);

    std::span<PoolEntry> entries_;
    const net::DeafFilter& filter_;
    Duration quarantine_;
    AddToPoller add_to_poller_;
    std::vector<Socket> sockets_;          ///< by place
    std::vector<std::vector<Slot>> free_;  ///< by group
    std::vector<Resting> resting_;         ///< a heap, the earliest on top
    std::size_t count_ = 0;
    std::mt19937_64 random_;
};

}  // namespace session
