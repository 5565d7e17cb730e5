#include "libudpserver/session/silent_servers.hpp"

namespace session {

namespace {

constexpr std::size_t max_silent_servers = 1024;
constexpr auto silent_for = std::chrono::minutes(5);

}  // namespace

void SilentServers::add(const base::Address& client, const Endpoint& server, Instant now) {
    entries_.resize(max_silent_servers);
    entries_[place_of(client, server)] = {client, server, now + silent_for};
}

bool SilentServers::contain(const base::Address& client, const Endpoint& server, Instant now) const {
    if (entries_.empty()) return false;
    const Entry& entry = entries_[place_of(client, server)];
    return now < entry.until && entry.client == client && entry.server == server;
}

std::size_t SilentServers::place_of(const base::Address& client, const Endpoint& server) const {
    const SessionKey key{.client = Endpoint(client, server.port), .local = server.address(), .listener = 0};
    return hash_(key) % entries_.size();
}

}  // namespace session
