#include "bench/udp_relay/relay.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "bench/udp_socket.hpp"

namespace relay {

namespace {

constexpr int listener_buffer = 4 << 20;
constexpr std::uint64_t listener_tag = UINT64_MAX;

}  // namespace

std::size_t Relay::Hash::operator()(const base::Endpoint& endpoint) const {
    std::uint64_t low = 0, high = 0;
    std::memcpy(&low, endpoint.bytes.data(), sizeof low);
    std::memcpy(&high, endpoint.bytes.data() + sizeof low, sizeof high);
    const std::uint64_t mixed = (low ^ high * 31 ^ std::uint64_t{endpoint.port} << 32) * 0x9e3779b97f4a7c15;
    return mixed ^ mixed >> 32;
}

Relay::Relay(const base::Endpoint& listen, const base::Endpoint& server, std::size_t max_sessions)
    : server_(server),
      listener_(bench::bound_socket(listen, listener_buffer)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      sessions_(max_sessions) {
    watch(listener_.get(), listener_tag);
}

void Relay::watch(int fd, std::uint64_t tag) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void Relay::run() {
    std::array<epoll_event, 64> events{};
    for (;;) {
        const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
            if (tag == listener_tag) {
                from_clients();
            } else {
                from_server(tag);
            }
        }
    }
}

// Neighbours with one client are sent together.
void Relay::from_clients() {
    const std::size_t count = batch_.receive(listener_.get());
    for (std::size_t begin = 0, end = 0; begin < count; begin = end) {
        const base::Endpoint client = batch_.from(begin);
        end = begin + 1;
        while (end < count && batch_.from(end) == client)
            ++end;
        batch_.send(socket_of(client), begin, end);
    }
}

void Relay::from_server(std::size_t place) {
    const std::size_t count = batch_.receive(sessions_[place].socket.get());
    batch_.send(listener_.get(), 0, count, &sessions_[place].client);
}

int Relay::socket_of(const base::Endpoint& client) {
    const auto known = places_.find(client);
    if (known != places_.end()) return sessions_[known->second].socket.get();
    const std::size_t place = next_++ % sessions_.size();
    Session& session = sessions_[place];
    if (session.socket) places_.erase(session.client);
    session = {client, connected(place)};
    places_.emplace(client, place);
    return session.socket.get();
}

base::UniqueFd Relay::connected(std::size_t place) {
    const int family = server_.family == base::Family::v6 ? AF_INET6 : AF_INET;
    base::UniqueFd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_storage address{};
    const socklen_t length = base::to_sockaddr(server_, address);
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        throw std::system_error(errno, std::generic_category(), "socket to " + base::to_string(server_));
    }
    watch(fd.get(), place);
    return fd;
}

}  // namespace relay
