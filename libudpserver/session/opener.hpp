#pragma once

#include <vector>

#include "base/token_bucket.hpp"
#include "libudpserver/session/engine_parts.hpp"
#include "libudpserver/session/silent_servers.hpp"

namespace session {

/// Clients that an administrator refuses for a while (`kill --refuse`). A few: they are looked through one by
/// one for each new session, and only while there are any.
class RefusedClients {
public:
    static constexpr std::size_t capacity = max_refused_clients;

    /// Begins with what the last REG left in `kept`. With `keeps` it writes there, too: one worker does.
    explicit RefusedClients(std::span<RefusedClient> kept = {}, bool keeps = false);
    /// False when there is no room.
    bool add(const base::Address& client, Instant until, Instant now);
    [[nodiscard]] bool contain(const base::Address& client, Instant now) const;

private:
    void keep() const;

    std::span<RefusedClient> kept_;  ///< empty for those that do not write
    std::vector<RefusedClient> entries_;
};

/// Opens sessions: admission, policy, server, socket, in this order. A refusal at any step leaves no state
/// behind (O-22).
class Opener {
public:
    Opener(EngineParts& parts, RefusedClients refused)
        : parts_(parts), refused_clients_(std::move(refused)) {}

    /// From now on every first datagram is refused with reason `admin`.
    void drain() { draining_ = true; }
    RefusedClients& refused_clients() { return refused_clients_; }
    SilentServers& silent_servers() { return silent_servers_; }

    /// The client is a server of a rule or this proxy itself.
    [[nodiscard]] bool is_loop(const Endpoint& client, Instant now) const;
    /// What must hold before the policy is asked; `none` if it does. Consumes no rate. `is_charged`: the
    /// client paid the rates when it began to wait. `leaving`: open sessions of the client that would be
    /// closed for this one.
    [[nodiscard]] CloseReason precheck(const net::Datagram& datagram, bool is_charged, Instant now,
                                       std::uint32_t leaving = 0) const;
    [[nodiscard]] policy::Decision decide(const net::Datagram& datagram, Instant now);
    /// The client waits for names from now on; or why it may not.
    CloseReason park(std::size_t listener, const net::Datagram& datagram, const policy::Decision& decision,
                     bool& is_charged, Instant now);
    /// A socket for it is on its way from the parent.
    [[nodiscard]] bool expects_socket(const policy::Decision& decision) const {
        return !parts_.sockets.is_exhausted(group_for(decision));
    }
    /// The group of sockets for a session that the policy accepted.
    [[nodiscard]] std::size_t group_for(const policy::Decision& decision) const {
        return parts_.sockets.group_for(parts_.policy.rule(*decision.rule), decision.server.family);
    }
    /// Evaluates the policy again for a client that waits. True when there is nothing left to wait for.
    bool reevaluate(PendingClients::Client& client, Instant now);
    /// Takes out the clients for which a socket is free now, and those for which none is to come.
    PendingClients::List take_with_socket(Instant now);
    /// What must hold after the policy accepted it: why the datagram may not open a session, or `none`.
    CloseReason admit(std::size_t listener, const net::Datagram& datagram, const policy::Decision& decision,
                      bool& is_charged, Instant now);
    /// Opens the session at SessionStore::free_place().
    CloseReason start(Session session, std::size_t listener, const net::Datagram& datagram,
                      const policy::Decision& decision, Instant now);

    /// What the same steps would say to a small datagram of a new client now; they have no effect here.
    void explain(Explanation& result, const net::Datagram& datagram, Instant now, std::uint32_t leaving = 0);

private:
    [[nodiscard]] Endpoint preferred_server(std::size_t rule, const Endpoint& first,
                                            const base::Address& client, Instant now) const;
    CloseReason charge(const net::Datagram& datagram, bool& is_charged, Instant now);
    bool proxy_accepts(std::size_t listener, const net::Datagram& datagram, Instant now);
    void fill(Record& record, std::size_t listener, const net::Datagram& datagram,
              const policy::Decision& decision, Instant now) const;
    CloseReason connect(Session session, Instant now);
    [[nodiscard]] bool has_sockets_for(const policy::Decision& decision) const;
    [[nodiscard]] SocketSupply::Client kind_of(const base::Address& client, Instant now) const;
    [[nodiscard]] CloseReason may_wait(const policy::Decision& decision, const base::Address& client) const;
    [[nodiscard]] CloseReason no_room_for(const policy::Decision& decision, const base::Address& client,
                                          Instant now, bool& waits);

    EngineParts& parts_;
    RefusedClients refused_clients_;
    SilentServers silent_servers_;
    base::TokenBucket answers_;
    bool draining_ = false;
};

}  // namespace session
