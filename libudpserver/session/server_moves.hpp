#pragma once

#include <cstddef>
#include <unordered_map>
#include <vector>

#include "libudpserver/session/outbox.hpp"
#include "libudpserver/session/unreachable_servers.hpp"

namespace session {

/// Gives running sessions another server: when a name of their rule has changed its addresses (K-54), or when
/// the proxy chooses one.
class ServerMoves {
public:
    ServerMoves(policy::Policy& policy, UnreachableServers& unreachable, SessionStore& sessions,
                SocketSupply& sockets, Outbox& outbox, SessionReports& reports);

    /// Applies an update of a name to the policy. False when it changes nothing.
    struct Change {
        bool changed = false;
        bool is_first = false;            ///< the first update that this engine received for the name
        policy::Names::Addresses before;  ///< its addresses
    };
    Change update(std::size_t name, policy::Names::Addresses addresses, bool unresolved);
    /// Does what on-name-change says with the sessions on addresses that `change` removed from a rule.
    /// Returns how many they are.
    std::size_t review(std::size_t name, const Change& change, Instant now);
    /// After an adoption: the same for the names that were updated before it.
    void review_adopted(Instant now);
    /// After another policy applies to the session: moves or closes it if its rule lacks its server.
    void review(Session session, Instant now);

    /// Continues moves, a bounded number. Until then the sessions stay where they are.
    void run_pending(Instant now);
    [[nodiscard]] bool has_pending() const { return !pending_.empty(); }
    /// Moves that found no socket are tried again.
    void sockets_arrived(Instant now);

    /// The proxy chooses another server for the session. False, and nothing changes, when it cannot be one or
    /// no socket is free.
    bool set_server(Session session, const Endpoint& server, Instant now);

    /// The session continues with another socket, connected to this server. Nothing changes when it fails.
    /// `may_choose`: to another server of the rule if this one cannot be reached.
    CloseReason reconnect(Session session, const Endpoint& server, Instant now, bool may_choose = false);

private:
    /// Which sessions of a rule a review concerns.
    enum class Scope : std::uint8_t {
        unaffected,
        removed,  ///< on one of the addresses that were removed
        all       ///< on any address that the rule lacks: which it had before is not known
    };
    struct Review {
        std::vector<Scope> rules;
        policy::Names::Addresses removed;
    };
    using Moves = std::unordered_map<Slot, std::uint32_t>;  ///< slot and generation

    [[nodiscard]] bool are_all_known(std::size_t rule) const;
    [[nodiscard]] bool are_all_updated(std::size_t rule) const;
    std::size_t run(const Review& review, Instant now);
    [[nodiscard]] bool has_left(const Record& record, Scope scope,
                                const policy::Names::Addresses& removed) const;
    void leave_server(Session session, Instant now);
    void move(Session session, Instant now);

    policy::Policy& policy_;
    UnreachableServers& unreachable_;
    SessionStore& sessions_;
    SocketSupply& sockets_;
    Outbox& outbox_;
    SessionReports& reports_;
    std::vector<bool> updated_;  ///< by name: this engine received its addresses
    Moves pending_;
    Moves awaiting_socket_;
};

}  // namespace session
