#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/pool_groups.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/socket_leases.hpp"

namespace session {

/// The server-side sockets of a worker: gives them to sessions and takes them back, and asks the parent for
/// more in time.
class SocketSupply {
public:
    /// Asks the parent for more sockets of a group; the answer comes as add() and arrived().
    using Request = std::function<void(std::size_t group)>;

    /// `places`: of this worker in the arena.
    SocketSupply(const conf::UdpServer& settings, const net::SocketPool& pool, std::span<PoolEntry> entries,
                 unsigned worker, std::size_t places, net::ServerSide& side, Request request);

    bool add(SocketIndex socket, std::size_t group, bool is_new) {
        return leases_.add(socket, group, is_new);
    }
    /// The answer to a request has been added; `complete` if it has all sockets that were asked for.
    void arrived(std::size_t group, bool complete, Instant now);
    /// Asks for sockets of the groups that have none.
    void request_missing(Instant now);

    /// The group that serves sessions of this rule with servers of this family; groups() if there is none.
    [[nodiscard]] std::size_t group_for(const conf::Rule& rule, base::Family family) const;
    [[nodiscard]] std::size_t groups() const { return groups_.size(); }
    [[nodiscard]] base::Family family_of(std::size_t group) const { return groups_[group].family; }

    /// The group has sockets, free or not.
    [[nodiscard]] bool exists(std::size_t group) const {
        return group < groups() && leases_.count(group) > 0;
    }
    /// For whom a socket is. The last ones are for known clients, which nobody forged (S-6).
    enum class Client : std::uint8_t { known, unknown };

    /// A lease for a session of this type with the server is worth trying. Otherwise the parent is asked for
    /// more; if it has none either, the next tries of unknown clients fail for a while (L-26).
    bool is_available(std::size_t group, const Endpoint& server, conf::SessionType type, Client client,
                      Instant now);
    /// The same without asking.
    [[nodiscard]] bool has_socket(std::size_t group, const Endpoint& server, conf::SessionType type,
                                  Client client, Instant now);
    /// Free sockets of the group. If few are left and the parent has no more, quarantines of unconfirmed and
    /// unanswered sessions are shortened (S-1).
    std::size_t free(std::size_t group, Instant now);
    /// While few are left: notices which of those in quarantine receive something.
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> next_tick() const;
    /// The parent's last answer had too few sockets. Otherwise more can be expected (S-2).
    [[nodiscard]] bool is_exhausted(std::size_t group) const { return supplies_[group].exhausted; }

    /// A socket that is open to the server, or the errno. Without both there is no free socket.
    struct Opened {
        SocketIndex socket = no_socket;
        int error = 0;
    };
    Opened open(std::size_t group, Slot session, const Endpoint& server, conf::SessionType type, Instant now);
    /// Takes the session's socket back. Returns how many datagrams the kernel dropped at it.
    std::uint32_t release(const Record& session, const conf::SessionLimits& limits, Instant now);
    /// When the session's socket could serve another session if this one was closed now.
    [[nodiscard]] Instant quarantined_until(const Record& session, const conf::SessionLimits& limits,
                                            Instant now) const;

    /// The address and port that the session's server sees.
    [[nodiscard]] Endpoint local(SocketIndex socket) const { return side_.local(socket); }
    void forget_routes() { side_.forget_routes(); }
    /// Fills in how a datagram of the session leaves.
    void address(const Record& session, net::SendBatch::Order& order) const;
    [[nodiscard]] Slot session_of(SocketIndex socket) const { return leases_.session_of(socket); }
    [[nodiscard]] std::vector<SocketUse> use(Instant now) { return leases_.use(now); }
    [[nodiscard]] SocketLeases& leases() { return leases_; }
    [[nodiscard]] const SocketLeases& leases() const { return leases_; }

private:
    /// Each group has a delay of its own: a rule that used up its few source ports must not stop the others.
    struct Supply {
        Instant not_before{};    ///< the next request: one is pending, or the last brought too few
        Instant refuse_until{};  ///< no lease for unknown clients before: there was no socket
        Duration delay{0};
        bool exhausted = false;  ///< the last answer had too few: there are no more
        Instant warn_after{};    ///< the next warning about shortened quarantines
    };

    [[nodiscard]] bool may_lease(std::size_t group, Client client, Instant now);
    void request_more(std::size_t group, Instant now);
    void start_delay(std::size_t group, Instant now);
    void warn_of_shortage(std::size_t group, Instant now);

    const conf::UdpServer& settings_;
    const std::vector<net::PoolGroup>& groups_;
    unsigned worker_;
    std::size_t noticed_at_once_;
    Instant noticed_at_{}, notice_until_{};
    std::size_t low_water_;
    Request request_;
    net::ServerSide& side_;
    SocketLeases leases_;
    std::vector<Supply> supplies_;  ///< by group
};

}  // namespace session
