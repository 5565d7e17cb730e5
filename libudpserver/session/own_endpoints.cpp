#include "libudpserver/session/own_endpoints.hpp"

#include <algorithm>

#include "conf/address_block.hpp"
#include "libudpserver/net/udp_socket.hpp"

namespace session {

namespace {

constexpr Duration read_interval{1000};

}  // namespace

bool OwnEndpoints::is_listener(const Endpoint& endpoint, Instant now) {
    if (listeners_.listens_at(endpoint, {})) return true;
    const base::Address address = endpoint.address();
    return listeners_.listens_at(endpoint, address) && is_local(address, now);
}

/// A socket that is bound to all addresses has only that of its route while it is connected: other programs
/// of this machine may then have the port on other addresses, and be clients.
bool OwnEndpoints::is_source(const Endpoint& endpoint, Instant now) {
    if (ports_.descriptor(endpoint) >= 0) return true;
    const int socket = ports_.descriptor({base::Address::any(endpoint.family), endpoint.port});
    if (socket < 0) return false;
    const base::Address address = endpoint.address(), present = net::local_endpoint(socket).address();
    return present.is_any() ? is_local(address, now) : present == address;
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
