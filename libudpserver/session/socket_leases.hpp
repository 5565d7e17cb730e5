#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "libudpserver/net/server_side.hpp"
#include "libudpserver/session/arena.hpp"

namespace session {

/// Sockets of one group: all, those that can be leased now, those in quarantine. The others serve a session.
struct SocketUse {
    std::size_t all = 0, free = 0, quarantined = 0;
};

/// What the sessions of a socket leave behind: who could lose something if its quarantine was shorter.
enum class Quarantine : std::uint8_t {
    full,         ///< a client that has used the replies, or it is not known who
    unconfirmed,  ///< a client that sent nothing after the first reply
    unanswered    ///< the same, and the server has never sent anything
};

/// The state of a worker's pool sockets: free, in quarantine, or leased to a session.
///
/// An answer must never reach another client than the one it belongs to. So a socket goes through the same
/// steps each time: closed while it is idle; open to its server, or to anyone for session types that accept
/// other senders; closed when it comes back; then in quarantine as long as its last
/// server may still answer, connected to that server. A socket that received something in quarantine starts
/// another one. The quarantine is noted in the arena and holds for the next REG too.
///
/// A quarantine concerns a socket and a server. A socket whose server was silent may serve another server
/// before it ends, connected, and then nothing that the first one sends reaches it; both quarantines must
/// end before it serves one of them again.
class SocketLeases {
public:
    /// A quarantine is not shortened below this.
    static constexpr Duration min_quarantine{5000};

    /// `quarantine`: of a socket that received something while it was idle.
    SocketLeases(std::span<PoolEntry> entries, std::size_t groups, net::ServerSide& side,
                 Duration quarantine);

    /// Adds a socket of this worker, which the server side has. Returns false for an index out of range. An
    /// idle socket is free after its quarantine; any other waits for claim() or reclaim_unclaimed(). A new
    /// socket has served no REG: what the arena says about it is not read.
    bool add(SocketIndex index, std::size_t group, bool is_new = false);

    /// Leases a random free socket of the group to the session; `no_socket` when there is none.
    SocketIndex lease(std::size_t group, Slot session, Instant now);

    /// Leases a quarantined socket that only a server other than this one, which was silent, may still
    /// answer. It must be opened connected. `no_socket` if none is found; looks at a bounded number.
    SocketIndex lease_for(const Endpoint& server, std::size_t group, Slot session);
    /// Whether lease_for() would find one.
    [[nodiscard]] bool can_lease_for(const Endpoint& server, std::size_t group) const {
        return find_lendable(server, group) != no_socket;
    }
    /// Whether it would, when the socket came back now from a session whose server was silent.
    [[nodiscard]] bool could_lease_for(const Endpoint& server, SocketIndex index) const;
    /// Ends quarantines of sockets that did not serve a confirmed client, the oldest first, at most `wanted`,
    /// if min_quarantine has passed since their last use and since the last datagram. Returns how many.
    std::size_t shorten_quarantines(std::size_t group, std::size_t wanted, Instant now);
    /// Starts the quarantines anew that can be shortened and in which something was received, among the next
    /// `max` sockets: else that is noticed, and min_quarantine begins, only when they are to end.
    void notice_received(std::size_t max, Instant now);

    /// Opens the leased socket. Returns the errno.
    int open(SocketIndex index, const Endpoint& server, net::Accepts accepts);

    /// Takes a leased socket back, into quarantine. Returns how many datagrams the kernel dropped because the
    /// socket was full, since the lease or the adoption. Any quarantine but a full one must end the
    /// constructor's `quarantine` after the last datagram.
    std::uint32_t give_back(SocketIndex index, Instant quarantined_until, Quarantine kind = Quarantine::full);

    /// The group of a socket, the number of groups when there is none.
    [[nodiscard]] std::size_t group_of(SocketIndex index) const;
    /// Adoption: the socket continues to serve `session`, if it is in the state that the record says.
    bool claim(SocketIndex index, Slot session, std::size_t group, const Endpoint& server,
               net::Accepts accepts);
    /// Adoption: takes back every socket that no session claimed, into quarantine. No quarantine is longer
    /// than this. An idle socket is believed if it is muted; with `fresh` only if it has never served too.
    void reclaim_unclaimed(Instant quarantined_until, bool fresh);

    [[nodiscard]] Slot session_of(SocketIndex index) const;
    /// Sockets of the group that are free now.
    [[nodiscard]] std::size_t available(std::size_t group, Instant now);
    /// Whether a lease would find one: a free socket that received something is quarantined again instead.
    /// Looks at a bounded number.
    [[nodiscard]] bool can_lease(std::size_t group, Instant now);
    /// For all groups, in their order. Looks at every socket: for information only.
    [[nodiscard]] std::vector<SocketUse> use(Instant now);
    [[nodiscard]] std::size_t quarantined(std::size_t group) const { return groups_[group].quarantined; }
    [[nodiscard]] std::size_t count(std::size_t group) const { return groups_[group].count; }

private:
    struct Socket {
        bool exists = false;
        std::uint16_t group = 0;
        bool claimed = false;
        bool quarantined = false;
        bool several = false;  ///< it was leased while another server could still answer
        Quarantine kind = Quarantine::full;
        std::uint32_t dropped = 0;  ///< ServerSide::dropped() when it was quarantined or adopted
        std::uint64_t server = 0;   ///< mark_of() the one it is connected to; 0 if none or not known
        Instant queued_until{};     ///< of its entry in a heap; its quarantine may end later by now
    };
    /// An entry of a heap. It may be outdated: is_current() says so.
    struct Quarantined {
        Instant until;
        SocketIndex index;
        bool operator>(const Quarantined& other) const { return until > other.until; }
    };
    using Heap = std::vector<Quarantined>;  ///< the earliest on top
    struct Group {
        std::vector<SocketIndex> free;
        Heap full, shortenable;
        std::size_t count = 0, quarantined = 0;
    };

    [[nodiscard]] bool has(SocketIndex index) const {
        return index_of(index) < sockets_.size() && sockets_[index_of(index)].exists;
    }
    void end_quarantines(std::size_t group, Instant now);
    /// Those that end within `less` from now.
    std::size_t end_quarantines(Group& group, Heap& heap, Duration less, std::size_t max, Instant now);
    void push(Heap& heap, SocketIndex index, Instant until);
    [[nodiscard]] bool is_current(const Quarantined& entry, bool shortenable) const;
    [[nodiscard]] SocketIndex find_lendable(const Endpoint& server, std::size_t group) const;
    void reserve(Group& group) const;
    [[nodiscard]] bool is_idle(SocketIndex index, bool fresh) const;
    [[nodiscard]] bool received_while_idle(SocketIndex index) const;
    bool rests_longer(SocketIndex index, Instant now);
    SocketIndex take_random(std::size_t group);
    void quarantine(SocketIndex index, Instant until, Quarantine kind = Quarantine::full);

    std::span<PoolEntry> entries_;
    net::ServerSide& side_;
    Duration quarantine_;
    std::vector<Socket> sockets_;  ///< by index
    std::vector<Group> groups_;
    std::size_t noticed_ = 0;  ///< where notice_received() goes on
    mutable std::mt19937_64 random_;
};

}  // namespace session
