#pragma once

#include <deque>
#include <vector>

#include "libudpserver/session/server_moves.hpp"

namespace session {

/// Gives sessions another source when the machine has lost theirs: its address or route towards the server
/// has changed. A connected socket keeps the source that it had when it was connected, and would never send
/// again. A session without another source stays open, since the address or route may return.
///
/// A rule with source-address has no other source.
class SourceRenewal {
public:
    SourceRenewal(const policy::Policy& policy, SessionStore& sessions, SocketSupply& sockets, Outbox& outbox,
                  ServerMoves& moves, SessionReports& reports);

    /// Sends the outbox's unsent datagrams from another source, or drops and counts them.
    void resend(Instant now);

    /// The machine has these addresses now: sessions whose source is none of them get another one, a bounded
    /// number at a time.
    void addresses_changed(std::vector<base::Address> local, Instant now);
    void run_pending(Instant now);
    [[nodiscard]] bool has_pending() const { return !pending_.empty(); }

private:
    bool renew(Session session, Instant now);
    [[nodiscard]] bool has_lost_source(Session session) const;

    const policy::Policy& policy_;
    SessionStore& sessions_;
    SocketSupply& sockets_;
    Outbox& outbox_;
    ServerMoves& moves_;
    SessionReports& reports_;
    std::vector<base::Address> local_;
    bool any_left_ = false;          ///< a session found no other source since the addresses changed
    std::deque<SessionId> pending_;  ///< to be looked at
};

}  // namespace session
