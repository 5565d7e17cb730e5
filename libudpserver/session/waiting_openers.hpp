#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>

#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/hold_queue.hpp"
#include "libudpserver/session/session_key.hpp"

namespace session {

/// Clients whose first datagram cannot be judged yet, in the order they came (K-58). Each has a queue for
/// what it sends meanwhile; it has no place of a session, and no socket.
class WaitingOpeners {
public:
    struct Waiter {
        SessionKey key;
        policy::Decision decision;  ///< what it waits for, and the rule
        base::Instant deadline;
        HoldQueue queue;
    };
    using List = std::list<Waiter>;

    /// The budget outlives it, and says how many may wait.
    explicit WaitingOpeners(HoldBudget& budget) : budget_(budget) {}

    [[nodiscard]] bool empty() const { return waiters_.empty(); }
    [[nodiscard]] std::size_t size() const { return waiters_.size(); }
    [[nodiscard]] bool full() const { return waiters_.size() >= budget_.sessions(); }

    /// Null when it does not wait.
    [[nodiscard]] Waiter* find(const SessionKey& key);
    /// A client that does not wait yet, and not when full(). Deadlines never go back from call to call.
    Waiter& add(const SessionKey& key, base::Instant deadline);
    void remove(const SessionKey& key);

    /// Takes those out for which `ready` says so, in their order. It may change what a waiter needs.
    List take(const std::function<bool(Waiter&)>& ready);
    /// Takes those out whose deadline has come.
    List take_overdue(base::Instant now);
    [[nodiscard]] std::optional<base::Instant> next_deadline() const;

private:
    HoldBudget& budget_;
    List waiters_;
    std::unordered_map<SessionKey, List::iterator, KeyHash> places_;
};

}  // namespace session
