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
    hold,     ///< client datagrams only: keep it, and all that follow, until SessionContext::resume (K-58)
    close     ///< drop it and end the session (reason `proxy`)
};

/// What becomes of a client's first datagram, before there is any state (O-22, O-23).
struct Opening {
    enum class Decision {
        accept,  ///< it may begin a session
        refuse,  ///< no valid beginning: counted with reason `proxy`
        answer   ///< no session yet: `answer` goes back, for example a challenge that only an honest source
                 ///< can meet
    };
    Decision decision = Decision::accept;
    std::span<const std::byte> answer;  ///< the proxy's own memory; sent before the proxy is called again
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

    /// A first datagram that policy and limits let in. Answers are limited for all sources together, and
    /// dropped rather than queued (O-24).
    virtual Opening judge_opener(const net::Datagram& /*datagram*/) { return {}; }

    /// A new session, before its socket is connected: the place for SessionContext::set_server. Without a
    /// handler every datagram is forwarded as it is.
    virtual std::unique_ptr<SessionHandler> open(SessionContext& session) = 0;

    /// A session taken over from a REG that died. What must survive lies in SessionContext::state().
    virtual std::unique_ptr<SessionHandler> adopt(SessionContext& session) { return open(session); }
};

}  // namespace session
