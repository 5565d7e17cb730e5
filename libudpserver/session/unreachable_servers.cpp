#include "libudpserver/session/unreachable_servers.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"

namespace session {

namespace {

/// What connect(2) reports when no packet could leave. 0: there is not even a socket.
bool is_unreachable(int error) {
    constexpr int errors[] = {0,        ENETUNREACH, EHOSTUNREACH, EAFNOSUPPORT, EADDRNOTAVAIL,
                              ENETDOWN, EACCES,      EINVAL,       ENODEV};
    return std::find(std::begin(errors), std::end(errors), error) != std::end(errors);
}

}  // namespace

const conf::Server* UnreachableServers::instead_of(const Endpoint& server, std::size_t rule,
                                                   const base::Address& client, int error, Instant now) {
    if (!is_unreachable(error) || entries_.size() >= capacity || contain(server, rule)) return nullptr;
    entries_.push_back({server.address(), policy_.rule(rule).source_address, error, now + avoided_for});
    const conf::Server* other = server_for(rule, client);
    if (other == nullptr) {
        entries_.pop_back();  // without another one it is tried for each client
        return nullptr;
    }
    base::log::write(base::msg::server_unreachable,
                     "rule {}: cannot connect to {}: {}; its other servers are used for {} s",
                     policy_.rule(rule).name, base::to_string(server), why(entries_.back()),
                     std::chrono::duration_cast<std::chrono::seconds>(avoided_for).count());
    return other;
}

const conf::Server* UnreachableServers::server_for(std::size_t rule, const base::Address& client) const {
    if (entries_.empty()) return policy_.server_for(rule, client);
    return policy_.server_for(rule, client,
                              [this, rule](const Endpoint& server) { return contain(server, rule); });
}

bool UnreachableServers::contain(const Endpoint& server, std::size_t rule) const {
    const std::optional<base::Address>& source = policy_.rule(rule).source_address;
    return std::ranges::any_of(entries_, [&, address = server.address()](const Entry& entry) {
        return entry.address == address && entry.source == source;
    });
}

void UnreachableServers::retry(Instant now) {
    std::erase_if(entries_, [now](const Entry& entry) { return now >= entry.until; });
}

std::string why(const UnreachableServers::Entry& entry) {
    return entry.error == 0 ? "there are no sockets of its address family" : std::strerror(entry.error);
}

}  // namespace session
