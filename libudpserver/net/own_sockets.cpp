#include "libudpserver/net/own_sockets.hpp"

#include "libudpserver/net/udp_socket.hpp"

namespace net {

void OwnSockets::add(SocketIndex source, int fd, const base::Address& bound) {
    if (index_of(source) >= sockets_.size()) sockets_.resize(index_of(source) + 1, -1);
    sockets_[index_of(source)] = fd;
    // A connected socket reports the address of its route instead of the one it is bound to.
    ports_.add({bound, local_endpoint(fd).port}, fd);
}

int OwnSockets::open(SocketIndex source, const base::Endpoint& server, Accepts accepts) {
    const int fd = descriptor(source);
    disconnect_socket(fd);  // from the last server
    if (accepts == Accepts::server)
        if (const int error = connect_socket(fd, server); error != 0) return error;
    drain(fd);  // what the filter may have let through, were it only by a race in the kernel
    return unmute(fd);
}

int OwnSockets::close(SocketIndex source) {
    const int error = filter_.mute(descriptor(source));
    drain(descriptor(source));
    return error;
}

bool OwnSockets::reopen(SocketIndex source, const base::Endpoint& server, Accepts accepts) {
    const std::optional<base::Endpoint> peer = peer_endpoint(descriptor(source));
    if (accepts == Accepts::server ? peer != server : peer.has_value()) return false;
    return unmute(descriptor(source)) == 0;
}

bool OwnSockets::is_closed(SocketIndex source) const {
    return is_muted(descriptor(source));
}

bool OwnSockets::has_server(SocketIndex source) const {
    return peer_endpoint(descriptor(source)).has_value();
}

std::uint32_t OwnSockets::dropped(SocketIndex source) const {
    return net::dropped(descriptor(source));
}

base::Endpoint OwnSockets::local(SocketIndex source) const {
    return local_endpoint(descriptor(source));
}

/// A socket that is bound to all addresses has only that of its route while it is connected: other programs
/// of this machine may then have the port on other addresses.
std::optional<base::Address> OwnSockets::source_at(const base::Endpoint& local) const {
    if (ports_.descriptor(local) >= 0) return local.address();
    const int socket = ports_.descriptor({base::Address::any(local.family), local.port});
    if (socket < 0) return std::nullopt;
    return local_endpoint(socket).address();
}

void OwnSockets::address(SocketIndex source, const base::Endpoint& server, Accepts accepts,
                         SendBatch::Order& order) const {
    order.fd = descriptor(source);
    if (accepts == Accepts::anyone) order.to = server;
}

}  // namespace net
