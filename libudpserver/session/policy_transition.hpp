#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/session/pending_clients.hpp"
#include "libudpserver/session/policy_evaluator.hpp"
#include "libudpserver/session/policy_history.hpp"
#include "libudpserver/session/server_moves.hpp"

namespace session {

/// What became of a record that a REG adopts.
enum class AdoptResult : std::uint8_t {
    adopted,
    aborted,        ///< it does not fit
    policy_closed,  ///< the policy refuses it now
    was_closing     ///< the last REG had closed it, and died before it was recorded
};

/// Brings running sessions under another policy. A new REG evaluates it for each record of an earlier
/// configuration as if its first datagram came now, so that no session continues that the policy refuses. A
/// decision that depends on a name leaves the session under the rule of the same name until the name is
/// known.
class PolicyTransition {
public:
    struct Parts {
        const PolicyHistory* history;  ///< null: there was never another configuration
        const net::ListenerSet& listeners;
        unsigned worker;
        const policy::Policy& policy;
        PolicyEvaluator& evaluator;
        SessionStore& sessions;
        PendingClients& pending;
        ServerMoves& moves;
    };
    explicit PolicyTransition(const Parts& parts);

    /// The present configuration's.
    [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
    /// The rule under which the session ran, in the configuration of its epoch; null if that is forgotten.
    [[nodiscard]] const conf::Rule* rule_of(const Record& record) const;

    /// Adoption: the record belongs to this configuration afterwards, if it is adopted.
    AdoptResult reevaluate_record(Record& record, Instant now);
    /// Adoption: the record has a session. `moved`: it came from another configuration.
    void adopted(Session session, bool moved);
    /// Adoption: all records have been adopted.
    void finish_adoption(Instant now);

    /// Evaluates the policy for all sessions that wait for a name of the configuration.
    void names_changed(Instant now);
    void client_names_arrived(const base::Address& client, Instant now);
    /// Asks for the names of clients whose sessions wait for them, a bounded number at a time.
    void tick(Instant now);
    [[nodiscard]] std::optional<Instant> next_tick() const;
    /// The session is not waiting for a name any more.
    void forget(Session session);

private:
    [[nodiscard]] std::optional<std::size_t> new_listener(const PastPolicy& past, std::size_t listener);
    [[nodiscard]] std::optional<std::size_t> rule_named(const std::string& name) const;
    [[nodiscard]] bool can_continue(const Record& record, std::optional<std::size_t> rule) const;
    void write_indices(Record& record, std::size_t listener, std::size_t rule, bool is_pending) const;
    void reevaluate(Session session, Instant now);

    Parts parts_;
    std::uint32_t epoch_;
    std::vector<std::vector<std::optional<std::size_t>>> new_listeners_;  ///< by past policy and its listener
    std::vector<Slot> moved_;              ///< adopted just now from another configuration
    std::size_t pending_sessions_ = 0;     ///< sessions that wait for a name
    std::deque<SessionId> awaiting_name_;  ///< those of them that may wait for their client's
    Instant next_tick_{};
};

}  // namespace session
