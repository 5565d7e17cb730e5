#pragma once

#include <vector>

#include "libudpserver/session/session_key.hpp"

namespace session {

/// Servers that fell silent, each for one client: its new sessions prefer other servers for a while. Only for
/// this client, because a client can send what no server answers. A fixed number; a new entry may replace
/// another one.
class SilentServers {
public:
    void add(const base::Address& client, const Endpoint& server, Instant now);
    [[nodiscard]] bool contain(const base::Address& client, const Endpoint& server, Instant now) const;

private:
    struct Entry {
        base::Address client;
        Endpoint server;
        Instant until{};
    };
    [[nodiscard]] std::size_t place_of(const base::Address& client, const Endpoint& server) const;

    KeyHash hash_;
    std::vector<Entry> entries_;  ///< empty until the first server falls silent
};

}  // namespace session
