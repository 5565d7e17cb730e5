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
    const std::optional<base::Address> source = side_.source_at(endpoint);
    if (!source) return false;
    return source->is_any() ? is_local(endpoint.address(), now) : *source == endpoint.address();
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
