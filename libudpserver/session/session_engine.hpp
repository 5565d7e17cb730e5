#pragma once

#include <optional>
#include <vector>

#include "libudpserver/net/icmp_report.hpp"
#include "libudpserver/session/adopter.hpp"
#include "libudpserver/session/engine_parts.hpp"
#include "libudpserver/session/forwarder.hpp"
#include "libudpserver/session/opener.hpp"

namespace session {

/// Where a worker's slice of the arena begins; for the number of workers, its end.
[[nodiscard]] Slot first_slot(const Arena& arena, const conf::Config& config, unsigned worker);

/// The session engine of one worker: decides what happens to each datagram. It reads no socket and asks no
/// clock; datagrams and the time are given to it, and it sends when settle() is called.
class SessionEngine {
public:
    explicit SessionEngine(const EngineSetup& setup);
    ~SessionEngine();

    // The worker's turns

    /// A datagram of a client. Valid until settle(), since it is sent from where it lies.
    void on_client(std::size_t listener, net::Datagram& datagram, Instant now) {
        if (!parts_.source_rates.take(datagram.from.address(), now))
            return refuse(datagram, CloseReason::source_rate, now);
        bool is_charged = false;
        on_client(listener, datagram, is_charged, now);
    }
    /// Drops a datagram of a client whatever its session, and counts and records it.
    void refuse(const net::Datagram& datagram, CloseReason reason, Instant now) {
        parts_.reports.refused(datagram, reason, std::nullopt, now);
    }
    /// A datagram that a pool socket received; valid as long.
    void on_server(SocketIndex socket, net::Datagram& datagram, Instant now) {
        forwarder_.to_client(socket, datagram, now);
    }
    /// An ICMP report about a datagram of this source; only the session with exactly these addresses reacts.
    void on_icmp(SocketIndex socket, const net::IcmpReport& report, Instant now);
    /// Reading a pool socket failed: an ICMP report of a connected one (K-48).
    void on_server_error(SocketIndex socket, int error, Instant now);

    /// Sends what is queued, then closes the sessions that were marked, so that no socket is released while
    /// something is to be sent from it. The datagrams given since the last call may go afterwards.
    void settle(Instant now);

    /// Expires sessions, a bounded number a call (O-37), and clients that waited too long.
    void tick(Instant now);
    /// When tick() has something to do next.
    [[nodiscard]] std::optional<Instant> next_tick() const;

    // Events from other processes

    /// A configured name has these addresses from now on, or with `unresolved` those that it had. Returns how
    /// many sessions were on an address that the update removed from their rule's plug-to; on-name-change
    /// decides for them. After an adoption it is not known which addresses a name had before: when all names
    /// of a rule have been updated, its sessions elsewhere count as sessions on a removed address.
    std::size_t update_name(std::size_t name, policy::Names::Addresses addresses, bool unresolved,
                            Instant now);
    void client_names_arrived(const base::Address& client, const base::LookupAnswer& answer, Instant now);
    /// A look-up of a session's handler was answered.
    void resolved(SessionId id, const std::string& name, const SessionContext::Resolved& done,
                  const base::LookupAnswer& answer, Instant now);
    /// Of the server side. After the adoption: a new one.
    bool add_socket(SocketIndex socket, std::size_t group);
    /// The answer to a request has been added; `complete` if nothing was missing.
    void sockets_came(std::size_t group, bool complete, Instant now);

    /// The machine has these addresses from now on.
    void addresses_changed(std::vector<base::Address> local, Instant now);

    // Start and stop

    /// Takes over the sessions that the last REG left, or with `fresh` reports all of them as aborted. Called
    /// once, after the inherited sockets were added.
    Adoption adopt(bool fresh, Instant now);
    /// Reports a session as closed by the policy: max-sessions has no place for it any more.
    void end_leftover(const Record& record, Slot slot, Instant now);
    /// From now on no session opens: first datagrams are refused with reason `admin`.
    void drain() { opener_.drain(); }
    /// Leaves the sessions to the next REG; what only this one knows is written to the log.
    void leave(Instant now);
    /// Closes and reports every session.
    void close_all(CloseReason reason, Instant now);

    // Queries. Each is bounded, so that forwarding does not notice.

    [[nodiscard]] std::size_t open_sessions() const { return parts_.sessions.open(); }
    /// Clients whose first datagrams wait.
    [[nodiscard]] std::size_t waiting() const { return parts_.pending.size(); }
    [[nodiscard]] const policy::Names& names() const { return parts_.policy.names(); }
    [[nodiscard]] const SocketSupply& sockets() const { return parts_.sockets; }
    /// Servers that are skipped because they cannot be connected.
    [[nodiscard]] const std::vector<UnreachableServers::Entry>& unreachable(Instant now) {
        parts_.unreachable.retry(now);
        return parts_.unreachable.entries();
    }
    [[nodiscard]] std::vector<SocketUse> socket_use(Instant now) { return parts_.sockets.use(now); }
    [[nodiscard]] const std::vector<RuleCount>& rule_counts() const { return parts_.reports.rule_counts(); }
    [[nodiscard]] const EventLog& events() const { return parts_.reports.events(); }
    /// As SessionStore::select().
    Slot select(const SessionFilter& filter, Slot from, std::size_t max, Instant now,
                std::vector<Found>& found) const {
        return parts_.sessions.select(filter, from, max, now, found);
    }
    [[nodiscard]] std::optional<Details> details(SessionId id, Instant now);
    /// Closes the session with reason `admin`; with `refuse` its client's address is refused for that time.
    /// False if it is closed already.
    bool close_by_admin(SessionId id, Duration refuse, Instant now);
    /// Refuses new sessions of the address for that time, in this worker: other workers may receive its
    /// datagrams too. False when no more addresses can be remembered.
    bool refuse_client(const base::Address& client, Duration refuse, Instant now) {
        return opener_.refused_clients().add(client, now + refuse, now);
    }
    /// The listener that receives datagrams sent to this endpoint.
    [[nodiscard]] std::optional<std::size_t> listener_at(const Endpoint& local) const;
    /// What would happen to a small datagram now (K-30), whatever the proxy thinks of its contents; the
    /// client may have no port. Sends nothing and consumes no rate; a session of the client that has expired
    /// is closed.
    [[nodiscard]] Explanation explain(const policy::Question& question, std::size_t listener, Instant now);

private:
    void on_client(std::size_t listener, net::Datagram& datagram, bool& is_charged, Instant now);
    /// Takes a datagram of the client from the session's rate; false, and it is counted, if that is used up.
    [[nodiscard]] bool within_rate(Session session, Instant now);
    [[nodiscard]] bool leaves_server(Session session, const net::Datagram& datagram, bool is_charged,
                                     Instant now) const;
    void leave_silent_server(Session session, Instant now);
    Session find_unexpired(const SessionKey& key, Instant now);
    Session open(std::size_t listener, const net::Datagram& datagram, bool& is_charged, Instant now);
    CloseReason make_room(conf::SessionType type, const base::Address& source, Instant now);
    void close(Session session, Instant now);
    void hand_over_records(Instant now);
    void resume(PendingClients::List clients, Instant now);
    /// `none`: each for what it waited for in vain.
    void refuse_pending(PendingClients::List clients, CloseReason reason, Instant now);
    void fail_lookups(Instant now);

    EngineParts parts_;
    Forwarder forwarder_;
    Opener opener_;
    bool adopted_ = false;
    bool is_ending_ = false;      ///< the places of closed sessions are kept
    std::vector<Slot> recorded_;  ///< closed while it ends; LOG may not have their records yet
    Instant settled_{};           ///< the last settle()
};

}  // namespace session
