#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/endpoint.hpp"
#include "base/unique_fd.hpp"
#include "bench/udp_relay/batch.hpp"

namespace relay {

/// The least that a UDP proxy with kernel sockets does: one socket for the clients, one connected socket for
/// each client, datagrams received and sent in batches. No policy, no timers, no records, no limits but the
/// number of sockets: the oldest one is closed for the next client. A floor for comparisons.
class Relay {
public:
    /// Throws std::system_error.
    Relay(const base::Endpoint& listen, const base::Endpoint& server, std::size_t max_sessions);

    /// Until the process is killed.
    [[noreturn]] void run();

private:
    struct Session {
        base::Endpoint client;
        base::UniqueFd socket;
    };
    struct Hash {
        std::size_t operator()(const base::Endpoint& endpoint) const;
    };

    void from_clients();
    void from_server(std::size_t place);
    int socket_of(const base::Endpoint& client);
    base::UniqueFd connected(std::size_t place);
    void watch(int fd, std::uint64_t tag);

    const base::Endpoint server_;
    base::UniqueFd listener_, epoll_;
    std::vector<Session> sessions_;  // the next place is also the oldest one
    std::size_t next_ = 0;
    std::unordered_map<base::Endpoint, std::size_t, Hash> places_;
    Batch batch_;
};

}  // namespace relay
