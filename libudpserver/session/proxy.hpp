#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "libudpserver/net/datagram.hpp"
#include "libudpserver/session/session_context.hpp"

/// The interface that a proxy for a protocol implements (doc/design.md, Protocol proxies; K-50).
namespace session {

enum class Verdict {
    forward,  ///< send it, perhaps changed in place or cut at its end
    drop,     ///< count it and do not send it
    hold,     ///< client datagrams only: keep it, and all that follow, until SessionContext::resume (K-58)
    close     ///< drop it and close the session (reason `proxy`)
};

/// What to do with a client's first datagram, before there is any state (O-22, O-23).
struct Opening {
    enum class Decision {
        accept,  ///< it may open a session
        refuse,  ///< not a valid first datagram: refused with reason `proxy`
        answer   ///< send `answer` and open no session: for example a challenge that only an honest source
                 ///< can meet
    };
    Decision decision = Decision::accept;
    std::span<const std::byte> answer;  ///< the proxy's memory; sent before the proxy is called again
};

/// The protocol's part of one session. The engine enforces limits and session type before it calls.
class SessionHandler {
public:
    virtual ~SessionHandler() = default;
    virtual Verdict on_client(SessionContext& session, net::Datagram& datagram) = 0;
    virtual Verdict on_server(SessionContext& session, net::Datagram& datagram) = 0;
    /// The last call for this session, which can send nothing now.
    virtual void on_close(SessionContext& /*session*/, CloseReason /*reason*/) {}
};

/// There is one for each worker, called only in that worker's thread.
class Proxy {
public:
    virtual ~Proxy() = default;

    /// A first datagram that policy and limits accept. Answers are limited for all sources together, and
    /// dropped rather than queued (O-24).
    virtual Opening judge_opener(const net::Datagram& /*datagram*/) { return {}; }

    /// A new session, before its socket is connected: may call SessionContext::set_server. Without a handler
    /// every datagram is forwarded unchanged.
    virtual std::unique_ptr<SessionHandler> open(SessionContext& session) = 0;

    /// Whether it uses SessionContext::set_server. Otherwise no session is believed to have such a server.
    [[nodiscard]] virtual bool chooses_servers() const { return false; }

    /// A session adopted from an earlier REG. What must survive is in SessionContext::state().
    virtual std::unique_ptr<SessionHandler> adopt(SessionContext& session) { return open(session); }
};

}  // namespace session
