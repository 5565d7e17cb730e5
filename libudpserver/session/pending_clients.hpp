#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/lookup.hpp"
#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/client_names.hpp"
#include "libudpserver/session/hold_queue.hpp"
#include "libudpserver/session/session_key.hpp"
#include "libudpserver/session/session_reports.hpp"
#include "libudpserver/session/session_store.hpp"
#include "libudpserver/session/source_prefix.hpp"

namespace session {

class SessionEngine;

/// Called with the answer in a later turn of the worker, always.
using LookupDone = std::function<void(SessionEngine&, const base::LookupAnswer&, Instant now)>;
using LookUp = std::function<void(base::Lookup, LookupDone)>;

/// Clients whose first datagram the policy cannot decide about before a name is known (K-58), or whose
/// server-side socket has not come yet (S-2), in the order they came, and the look-ups of the worker. Each
/// client has a queue for what it sends meanwhile; it has no session and no socket.
class PendingClients {
public:
    struct Client {
        SessionKey key;
        policy::Decision decision;  ///< what it waits for, a socket if the policy accepted it; and the rule
        Instant deadline;
        HoldQueue queue;

        [[nodiscard]] bool awaits_socket() const { return PendingClients::awaits_socket(decision); }
        /// Why it is refused when what it waits for does not come.
        [[nodiscard]] CloseReason failure() const {
            return awaits_socket() ? CloseReason::no_socket : CloseReason::resolve_failure;
        }
    };
    using List = std::list<Client>;

    /// An empty `look_up`: this process has no resolver, and every look-up fails.
    /// `source_share`: percent of the room that one source address may use; 100 is no limit.
    PendingClients(Duration timeout, unsigned source_share, HoldBudget& budget, LookUp look_up,
                   SessionReports& reports);

    [[nodiscard]] std::size_t size() const { return clients_.size(); }
    [[nodiscard]] std::size_t awaiting_socket() const { return awaiting_socket_; }
    /// Why another client of this source cannot wait for what the policy says, or `none`. Clients that wait
    /// for sockets leave half of the room to the others.
    [[nodiscard]] CloseReason room_for(const base::Address& source, const policy::Decision& decision) const;
    /// Null when the client does not wait.
    [[nodiscard]] Client* find(const SessionKey& key);

    /// True if the client waits: its datagram waits too, or is dropped where there is no room.
    bool append(const SessionKey& key, std::size_t listener, const net::Datagram& datagram, Instant now);
    /// A client that does not wait yet waits with this datagram; or why it cannot.
    CloseReason park(const SessionKey& key, std::size_t listener, const net::Datagram& datagram,
                     const policy::Decision& decision, Instant now);
    void remove(const SessionKey& key);

    /// Takes out the clients for which `is_ready` says so, in their order. It may change their decision.
    List take(const std::function<bool(Client&)>& is_ready);
    /// Takes out the clients whose deadline has come.
    List take_overdue(Instant now);
    [[nodiscard]] std::optional<Instant> next_deadline() const;

    /// A datagram of a running session waits; it is dropped where there is no room.
    void hold(Session session, const net::Datagram& datagram, Instant now);
    SessionExtra& extra_of(Session session);

    void look_up(base::Lookup lookup, LookupDone done);
    /// Look-ups that no resolver answers; the caller fails them.
    [[nodiscard]] std::vector<LookupDone> take_unanswerable() { return std::exchange(unanswerable_, {}); }
    [[nodiscard]] bool has_unanswerable() const { return !unanswerable_.empty(); }

    [[nodiscard]] const ClientNames& client_names() const { return client_names_; }
    /// Asks for the names of a client whose first datagram waits. False when too many look-ups are pending.
    bool await_client_names(const base::Address& client, Instant now);
    /// Asks for the names of a client that nothing waits for: log-only look-ups leave half of the room to the
    /// others.
    void request_client_names(const base::Address& client, Instant now);
    /// For log.names.
    void name_client(Session session, Instant now);
    void client_names_arrived(SessionStore& sessions, const base::Address& client,
                              const base::LookupAnswer& answer, Instant now);

private:
    /// What the clients of one source address use of the room.
    struct Use {
        std::size_t clients = 0, bytes = 0;
    };

    [[nodiscard]] static bool awaits_socket(const policy::Decision& decision) {
        return decision.kind == policy::Decision::Kind::accept;
    }
    /// Takes the datagram into the queue, within the share of its source.
    bool push(HoldQueue& queue, std::size_t listener, const net::Datagram& datagram);
    void leave(const Client& client);
    bool ask_client_names(const base::Address& client, Instant now);
    [[nodiscard]] bool may_ask_for_log(const base::Address& client, Instant now) const;
    void no_room(const Endpoint& client, Instant now);

    Duration timeout_;
    LookUp look_up_;
    SessionReports& reports_;
    HoldBudget& budget_;
    std::size_t max_clients_, max_bytes_;  ///< of one source
    std::unordered_map<SourcePrefix, Use, SourcePrefixHash> uses_;
    List clients_;
    std::size_t awaiting_socket_ = 0;  ///< of them
    std::unordered_map<SessionKey, List::iterator, KeyHash> places_;
    ClientNames client_names_;
    std::vector<LookupDone> unanswerable_;
};

}  // namespace session
