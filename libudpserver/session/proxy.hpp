#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "libudpserver/net/datagram.hpp"
#include "libudpserver/session/session_context.hpp"

/// What a proxy for a protocol implements: the framework's whole face to it (DESIGN §8, K-50).
namespace session {

enum class Verdict {
    forward,  ///< send it on, perhaps changed in place or cut at its end
    drop,     ///< counted, not sent on; the session goes on
    close     ///< drop it and end the session (reason `proxy`)
};

/// The protocol's side of one session. The engine enforces limits and session type before it is asked.
class SessionHandler {
public:
    virtual ~SessionHandler() = default;
    virtual Verdict on_client(SessionContext& session, net::Datagram& datagram) = 0;
    virtual Verdict on_server(SessionContext& session, net::Datagram& datagram) = 0;
    /// The last call for this session; nothing can be sent any more.
    virtual void on_close(SessionContext& /*session*/, CloseReason /*reason*/) {}
};

/// One object for each worker; its calls come from that worker's thread only.
class Proxy {
public:
    virtual ~Proxy() = default;

    /// A new session, before its socket is connected: the place for SessionContext::set_server. Without a
    /// handler every datagram is forwarded as it is.
    virtual std::unique_ptr<SessionHandler> open(SessionContext& session) = 0;

    /// A session taken over from a REG that died. What must survive lies in SessionContext::state().
    virtual std::unique_ptr<SessionHandler> adopt(SessionContext& session) { return open(session); }
};

}  // namespace session
