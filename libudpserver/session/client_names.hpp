#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/lookup.hpp"
#include "libudpserver/session/session_filter.hpp"
#include "libudpserver/session/session_key.hpp"

namespace session {

/// The confirmed reverse names of clients that a worker has looked up (K-63), and the look-ups that are
/// pending. There is one look-up for an address, however many datagrams and sessions wait for it (K-59).
/// Everything is bounded; the oldest answers are replaced first.
class ClientNames {
public:
    static constexpr std::size_t capacity = 1024;

    /// What waits for an answer.
    struct Waiters {
        std::vector<SessionId> log_only;  ///< sessions that want the name for the log
        bool awaited = false;             ///< a first datagram waits, or has waited too long
    };

    /// `max_asked`: look-ups that may be pending at the same time.
    explicit ClientNames(std::size_t max_asked) : max_asked_(max_asked) {}

    /// Null when they are not known; empty when there are none.
    [[nodiscard]] const std::vector<std::string>* find(const base::Address& client, Instant now) const;
    /// A look-up failed a short time ago.
    [[nodiscard]] bool failed(const base::Address& client, Instant now) const;

    /// No other client can be asked for now.
    [[nodiscard]] bool full() const { return asked_.size() >= max_asked_; }

    enum class Ask : std::uint8_t { now, asked_already, too_many };
    /// With `now` it counts as asked from here on, until answered().
    Ask ask(const base::Address& client);
    /// The address must have been asked for.
    void add_log_only(const base::Address& client, SessionId session);
    /// The address must have been asked for.
    void set_awaited(const base::Address& client) { asked_.at(client).awaited = true; }
    /// Returns what waited for it.
    Waiters answered(const base::Address& client, const base::LookupAnswer& answer, Instant now);

    [[nodiscard]] bool asks(const base::Address& client) const { return asked_.contains(client); }
    [[nodiscard]] std::size_t asked() const { return asked_.size(); }
    [[nodiscard]] std::size_t size() const { return known_.size(); }

private:
    /// With a random key: a client cannot choose addresses that fall into one chain.
    struct Hash {
        KeyHash hash;
        std::size_t operator()(const base::Address& address) const {
            return hash({base::Endpoint(address, 0), {}, 0});
        }
    };
    struct Known {
        std::vector<std::string> names;
        bool failed = false;
        Instant until;  ///< inclusive, so that what waited can use an answer with a TTL of 0
        std::list<base::Address>::iterator age;
    };

    [[nodiscard]] const Known* valid(const base::Address& client, Instant now) const;
    void forget(base::Address client);

    std::size_t max_asked_;
    std::unordered_map<base::Address, Known, Hash> known_;
    std::list<base::Address> ages_;  ///< of known_, the oldest first
    std::unordered_map<base::Address, Waiters, Hash> asked_;
};

}  // namespace session
