#pragma once

#include "libudpserver/session/engine_parts.hpp"
#include "libudpserver/session/session_context.hpp"

namespace session {

/// Takes the datagrams of running sessions to the other side: counts them, asks the proxy's handler and the
/// session type, and closes sessions that reach a limit.
class Forwarder {
public:
    explicit Forwarder(EngineParts& parts) : parts_(parts) {}

    /// A datagram of the session's client.
    void to_server(Session session, net::Datagram& datagram, Instant now);
    /// A datagram that came to a pool socket, for its session if that accepts it.
    void to_client(SocketIndex socket, net::Datagram& datagram, Instant now);

    /// Answers a look-up of the session's handler.
    void resolved(Session session, const SessionContext::Resolved& done, const base::LookupAnswer& answer,
                  Instant now);

    /// The session that the socket serves; none if it serves none of this worker's.
    [[nodiscard]] Session session_of(SocketIndex socket) const;

private:
    void confirm(Session session, Instant now);
    Verdict pass_to_server(Session session, net::Datagram& datagram, Instant now);
    void count_unreplied(Session session, Instant now);
    void check_client_limit(Session session);
    bool is_foreign(Session session, const net::Datagram& datagram, Instant now);
    Verdict ask_handler(Session session, net::Datagram& datagram, bool from_client, Instant now);
    /// Called after each call of a handler that may have called resume().
    void release_held(Session session, Instant now);

    EngineParts& parts_;
};

}  // namespace session
