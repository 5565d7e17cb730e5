#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/lookup.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

struct EngineParts;

/// What a protocol's code can do with its session. Valid during the call that it was passed to.
class SessionContext {
public:
    SessionContext(EngineParts& parts, Slot slot, Instant now) : parts_(parts), slot_(slot), now_(now) {}

    [[nodiscard]] const Record& record() const;
    [[nodiscard]] Instant now() const { return now_; }

    /// 64 bytes of the session's own that survive a crash of REG. Zero in a new session.
    [[nodiscard]] std::span<std::byte, 64> state();

    /// Sends the session's datagrams to another server, if the proxy's chooses_servers() says so. The family
    /// must be one of the rule's plug-to, the address one that can be a server (not this proxy itself), and a
    /// socket must be free; otherwise returns false and changes nothing. In Proxy::open it costs nothing;
    /// later the session gets another socket, and answers of the old server no longer reach the client.
    bool set_server(const Endpoint& server);

    /// Looks a name up without blocking; the session's client datagrams may be held meanwhile
    /// (Verdict::hold). `done` is called in a later turn, unless the session was closed. If the look-up
    /// failed and the session still holds datagrams after the call, it is closed (reason `resolve-failure`).
    using Resolved = std::function<void(SessionContext&, const base::LookupAnswer&)>;
    void resolve(const std::string& name, Resolved done);

    /// After this call the held datagrams are passed to the handler again, in their order.
    void resume();

    /// Sends a datagram of the proxy's own at once and counts it like a forwarded one. In Proxy::open, before
    /// the session has its socket, nothing is sent to the server.
    void send_to_client(std::span<const std::byte> payload);
    void send_to_server(std::span<const std::byte> payload);

    /// Closes the session after this call, with reason `proxy`.
    void close();

private:
    EngineParts& parts_;
    Slot slot_;
    Instant now_;
};

}  // namespace session
