#include "libudpserver/session/own_endpoints.hpp"

#include <algorithm>

#include "conf/address_block.hpp"

namespace session {

namespace {

constexpr Duration read_interval{1000};

}  // namespace

bool OwnEndpoints::is_listener(const Endpoint& endpoint, Instant now) {
    if (listeners_.listens_at(endpoint, {})) return true;
    const base::Address address = endpoint.address();
    return listeners_.listens_at(endpoint, address) && is_local(address, now);
}

bool OwnEndpoints::is_source(const Endpoint& endpoint, Instant now) {
    if (ports_.contains(endpoint)) return true;
    const bool is_port = ports_.contains({base::Address::any(endpoint.family), endpoint.port});
    return is_port && is_local(endpoint.address(), now);
}

/// Binding a socket would tell too, but with net.ipv4.ip_nonlocal_bind every address can be bound.
bool OwnEndpoints::is_local(const base::Address& address, Instant now) {
    if (conf::is_loopback(address)) return true;
    if (!read_at_ || now - *read_at_ >= read_interval) {
        read_at_ = now;
        if (auto addresses = read_()) addresses_ = std::move(*addresses);
    }
    return std::binary_search(addresses_.begin(), addresses_.end(), address);
}

}  // namespace session
