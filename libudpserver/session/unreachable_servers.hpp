#pragma once

#include <optional>
#include <vector>

#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/session_store.hpp"

namespace session {

/// Servers to which no socket can be connected, because there is no route or no address of their family. A
/// rule's other servers serve its clients meanwhile; after a time they are tried again. Only an address that
/// failed is skipped, not its whole family: one missing route says nothing about other networks.
class UnreachableServers {
public:
    static constexpr Duration avoided_for = std::chrono::seconds(30);
    static constexpr std::size_t capacity = 256;

    struct Entry {
        base::Address address;
        std::optional<base::Address> source;  ///< of the rule: another source may have a route
        int error;                            ///< errno; 0: proxyd has no sockets of the family
        Instant until;
    };

    explicit UnreachableServers(const policy::Policy& policy) : policy_(policy) {}

    /// Opening a socket to `server` failed with `error`: what to try instead. Null if the error does not say
    /// that the server cannot be reached, or if the rule has no other server.
    const conf::Server* instead_of(const Endpoint& server, std::size_t rule, const base::Address& client,
                                   int error, Instant now);
    /// The server of the rule for this client among those that can be reached; null if there is none.
    [[nodiscard]] const conf::Server* server_for(std::size_t rule, const base::Address& client) const;
    [[nodiscard]] bool contain(const Endpoint& server, std::size_t rule) const;
    /// Those whose time is over are servers again.
    void retry(Instant now);

    [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

private:
    const policy::Policy& policy_;
    std::vector<Entry> entries_;
};

/// `Network is unreachable`, for logs and answers.
std::string why(const UnreachableServers::Entry& entry);

}  // namespace session
