#include "libudpserver/session/refused_clients.hpp"

#include <algorithm>

namespace session {

bool RefusedClients::add(const base::Address& client, Instant until, Instant now) {
    std::erase_if(entries_, [&](const Entry& entry) { return entry.until <= now || entry.client == client; });
    if (entries_.size() >= capacity) return false;
    entries_.push_back({client, until});
    return true;
}

bool RefusedClients::contain(const base::Address& client, Instant now) const {
    return std::ranges::any_of(
        entries_, [&](const Entry& entry) { return entry.client == client && now < entry.until; });
}

}  // namespace session
