#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <utility>

#include "base/unique_fd.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

inline constexpr std::size_t max_workers = 64;

/// The state of a pool socket. `idle` promises that it is muted and empty: it is the last thing written when
/// a socket comes back and the first thing changed when it is leased, so the promise also holds after a
/// crash.
struct PoolEntry {
    enum class State : std::uint8_t { idle, leased, returning };
    State state = State::idle;
    std::array<std::uint8_t, 3> zero{};
    Slot session = none;
    /// An idle socket may serve the next session from this moment on (quarantine). Of a leased one: until
    /// then a server that it was connected to earlier may still answer.
    Instant quarantined_until{};
};

/// An address whose new sessions an administrator refuses until then. In the arena for the next REG; the
/// workers have their own copies.
struct RefusedClient {
    base::Address client;
    Instant until{};
};
inline constexpr std::size_t max_refused_clients = 1024;

/// A number that one thread increments and others may read.
class Count {
public:
    void add(std::uint64_t n = 1) { set(get() + n); }
    void set(std::uint64_t n) { std::atomic_ref(value_).store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t get() const {
        return std::atomic_ref(const_cast<std::uint64_t&>(value_)).load(std::memory_order_relaxed);
    }

private:
    std::uint64_t value_ = 0;
};

/// What a worker has counted since the proxy started, across restarts of REG. `open`, `unanswered` and
/// `unconfirmed` are states and start again with each REG.
struct Totals {
    Count open, unanswered, unconfirmed;
    Count open_least, open_most;  ///< of `open`, since the last housekeeping line
    Count starts;                 ///< of the worker: one more than its restarts
    Count highest_generation;     ///< of all places that ever existed; worker 0's is used
    struct {
        Count created, closed, refused, starts;
    } reported;  ///< of all workers together, in the last housekeeping line; worker 0's is used
    Count created, closed, adopted, aborted;
    Count refused;     ///< first datagrams that opened no session, and others that were not looked up
    Count foreign;     ///< server-side datagrams that the session type does not allow (K-41)
    Count over_limit;  ///< datagrams beyond a limit of their session
    Count over_rate;   ///< datagrams beyond the rate of their session
    Count send_full;   ///< datagrams dropped because a socket's buffer was full
    Count send_errors, icmp_errors, dropped_by_proxy, stray;
    Count client_send_errors;  ///< datagrams for a client that the machine could not send
    Count sources_renewed;     ///< sessions that continued from another source
    Count bad_source, truncated;
    Count held;          ///< datagrams that waited for a name, of first ones and of running sessions (K-58)
    Count hold_dropped;  ///< datagrams without room to wait, or whose session was closed first
    Count handed_over;   ///< client datagrams that another worker received
    Count hand_over_dropped;  ///< of these, datagrams without room to wait
    Count kernel_drops;       ///< by the kernel at pool sockets; the listening sockets count their own
    Count client_datagrams, client_bytes, to_server_datagrams, to_server_bytes;
    Count server_datagrams, server_bytes, to_client_datagrams, to_client_bytes;
    std::array<Count, static_cast<std::size_t>(CloseReason::count_)> closed_by, refused_by;
};

/// How many places an arena for `max_sessions` has. Clients never divide evenly among workers: several
/// workers have room for more than their share, used only by sessions that were opened under another number
/// of workers.
[[nodiscard]] constexpr std::size_t places_for(std::size_t max_sessions, std::size_t workers) {
    return workers == 1 ? max_sessions : max_sessions + max_sessions / 8 + 64 * workers;
}

/// Where a worker's slice of the places begins; for the number of workers, its end.
[[nodiscard]] constexpr Slot first_slot(std::size_t places, unsigned worker, unsigned workers) {
    return static_cast<Slot>(places * worker / workers);
}

/// The shared memory that outlives REG: session records, states of the pool sockets, totals
/// (doc/design.md, Ownership). The parent allocates it and never reads it; each REG maps it.
class Arena {
public:
    enum class Content : std::uint64_t {
        awaited = 0,  ///< the sessions are still in an older arena, or unknown (arena_migration.hpp)
        complete = 0x9e37'79b9'7f4a'7c15
    };
    /// Memory of a fixed size for these numbers of sessions and pool sockets, all zero. Throws
    /// std::system_error.
    static Arena create(std::size_t sessions, std::size_t pool_sockets, Content content = Content::complete);

    /// An arena that this process had before an exec, of this program's layout.
    static Arena from_descriptor(base::UniqueFd fd, std::size_t sessions, std::size_t pool_sockets) {
        return {std::move(fd), sessions, pool_sockets};
    }
    /// Identifies the layout: programs with the same one can work with the same arena.
    static std::uint64_t layout();

    /// Maps it into this process. Throws std::system_error.
    void map();

    /// Of a mapped arena: whether it has all sessions.
    [[nodiscard]] bool complete() const;
    void mark_complete();

    /// Its numbers of sessions and pool sockets.
    [[nodiscard]] std::size_t session_places() const { return sessions_; }
    [[nodiscard]] std::size_t socket_places() const { return pool_sockets_; }
    [[nodiscard]] int descriptor() const { return fd_.get(); }
    [[nodiscard]] std::span<Record> records() const { return records_; }
    [[nodiscard]] std::span<PoolEntry> pool() const { return pool_; }
    [[nodiscard]] std::span<RefusedClient> refused_clients() const { return refused_; }
    [[nodiscard]] Totals& totals(std::size_t worker) const { return totals_[worker]; }

    [[nodiscard]] std::span<Totals> all_totals() const { return totals_; }

    ~Arena();
    Arena(Arena&& other) noexcept;
    Arena& operator=(Arena&& other) noexcept;

private:
    Arena(base::UniqueFd fd, std::size_t sessions, std::size_t pool_sockets);

    base::UniqueFd fd_;
    std::size_t sessions_, pool_sockets_, size_;
    std::byte* memory_ = nullptr;
    std::span<Record> records_;
    std::span<PoolEntry> pool_;
    std::span<Totals> totals_;
    std::span<RefusedClient> refused_;
};

}  // namespace session
