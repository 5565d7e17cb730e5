#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/server_side.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// Recognises the proxy's own addresses and ports: a datagram from one of them, or to one, would loop. The
/// addresses of the machine are read again at most once a second, and only for a port that is the proxy's.
class OwnEndpoints {
public:
    /// Reads the machine's addresses, sorted; nothing if it cannot.
    using ReadAddresses = std::function<std::optional<std::vector<base::Address>>()>;

    OwnEndpoints(const net::ListenerSet& listeners, const net::ServerSide& side, ReadAddresses read)
        : listeners_(listeners), side_(side), read_(std::move(read)) {}

    /// A listener receives what is sent there.
    [[nodiscard]] bool is_listener(const Endpoint& endpoint, Instant now);
    /// A source towards the servers.
    [[nodiscard]] bool is_source(const Endpoint& endpoint, Instant now);

private:
    [[nodiscard]] bool is_local(const base::Address& address, Instant now);

    const net::ListenerSet& listeners_;
    const net::ServerSide& side_;
    ReadAddresses read_;
    std::vector<base::Address> addresses_;
    std::optional<Instant> read_at_;
};

}  // namespace session
