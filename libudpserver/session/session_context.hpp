#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "libudpserver/session/lookup.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

struct EngineParts;

/// All that a protocol's code can reach of its session and of the engine. Valid during the call it was given
/// to.
class SessionContext {
public:
    SessionContext(EngineParts& parts, Slot slot, Instant now) : parts_(parts), slot_(slot), now_(now) {}

    [[nodiscard]] const Record& record() const;
    [[nodiscard]] Instant now() const { return now_; }

    /// 64 bytes of the session's own; they survive the death of REG. Zero in a new session.
    [[nodiscard]] std::span<std::byte, 64> state();

    /// Where the session's datagrams go from now on. The family must be one that the rule's plug-to has, the
    /// address one that can be a server (not this proxy itself), and a socket must be free; returns false,
    /// and changes nothing, otherwise. In Proxy::open it costs nothing; later the session gets another
    /// socket, and answers of the old server no longer reach the client.
    bool set_server(const Endpoint& server);

    /// Looks a name up without making anybody wait; the session's client datagrams may be held meanwhile
    /// (Verdict::hold). `done` is called in a later turn, unless the session has ended; when the look-up
    /// failed and the session still holds datagrams after the call, it ends (reason `resolve-failure`).
    using Resolved = std::function<void(SessionContext&, const LookupAnswer&)>;
    void resolve(const std::string& name, Resolved done);

    /// The held datagrams go to the handler again, in their order, after this call; then everything flows.
    void resume();

    /// A datagram of the proxy's own making, sent at once and counted like a forwarded one. Nothing goes to
    /// the server before the session has its socket, that is in Proxy::open.
    void send_to_client(std::span<const std::byte> payload);
    void send_to_server(std::span<const std::byte> payload);

    /// Ends the session after this call, with reason `proxy`.
    void close();

private:
    EngineParts& parts_;
    Slot slot_;
    Instant now_;
};

}  // namespace session
