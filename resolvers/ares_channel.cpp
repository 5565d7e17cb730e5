#include "resolvers/ares_channel.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <utility>

namespace resolvers {
namespace {

// c-ares' own time-out; ours is always earlier.
constexpr int never = 24 * 60 * 60 * 1000;

ares_addr_port_node to_node(const base::Endpoint& server) {
    ares_addr_port_node node{};
    node.family = server.family == base::Family::v4 ? AF_INET : AF_INET6;
    std::memcpy(&node.addr, server.bytes.data(), server.family == base::Family::v4 ? 4 : 16);
    node.udp_port = node.tcp_port = server.port;
    return node;
}

// CLOEXEC and non-blocking from the start, which c-ares does in several steps.
ares_socket_t open_socket(int family, int type, int protocol, void*) {
    return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

int close_socket(ares_socket_t fd, void*) {
    return ::close(fd);
}

ares_ssize_t send_pieces(ares_socket_t fd, const iovec* pieces, int count, void*) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<std::size_t>(count);
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

// All options that c-ares would otherwise read from files are given.
AresChannel::AresChannel(Transport transport) {
    ares_options options{};
    char lookups[] = "b";
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_IGNTC | ARES_FLAG_NOCHECKRESP;
    if (transport == Transport::tcp) options.flags |= ARES_FLAG_USEVC;
    options.timeout = never;
    options.tries = 1;
    options.ndots = 1;
    options.lookups = lookups;
    options.sock_state_cb = &AresChannel::on_socket_state;
    options.sock_state_cb_data = this;
    in_addr replaced_by_ask{};
    options.servers = &replaced_by_ask;
    options.nservers = 1;
    const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                      ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_SERVERS |
                      ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) throw std::bad_alloc();
    static const ares_socket_functions functions{open_socket, close_socket, &AresChannel::connect,
                                                 &AresChannel::receive, send_pieces};
    ares_set_socket_functions(channel_, &functions, this);
}

AresChannel::~AresChannel() {
    ares_destroy(channel_);
}

void AresChannel::ask(AresUser& user, const base::Endpoint& server, std::span<const std::uint8_t> question) {
    user_ = &user;
    server_ = server;
    auto node = to_node(server);
    if (const int status = ares_set_servers_ports(channel_, &node); status != ARES_SUCCESS)
        return user.on_done(status, {});
    ares_send(channel_, question.data(), static_cast<int>(question.size()), &AresChannel::on_ares_done, this);
}

void AresChannel::process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
}

void AresChannel::rest() {
    ares_cancel(channel_);
    user_ = nullptr;
}

void AresChannel::on_socket_state(void* self, ares_socket_t fd, int readable, int writable) noexcept {
    static_cast<AresChannel*>(self)->user_->watch(fd, readable != 0, writable != 0);
}

void AresChannel::on_ares_done(void* self, int status, int, unsigned char* answer, int size) noexcept {
    static_cast<AresChannel*>(self)->user_->on_done(status, {answer, static_cast<std::size_t>(size)});
}

// c-ares would forget the scope of a link-local server.
int AresChannel::connect(ares_socket_t fd, const sockaddr*, ares_socklen_t, void* self) noexcept {
    sockaddr_storage address;
    const auto size = base::to_sockaddr(static_cast<AresChannel*>(self)->server_, address);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
}

ares_ssize_t AresChannel::receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                                  ares_socklen_t* from_size, void* self) noexcept {
    return static_cast<AresChannel*>(self)->user_->receive(fd, buffer, size, flags, from, from_size);
}

std::unique_ptr<AresChannel> AresChannels::take(Transport transport) {
    Resting& channels = resting(transport);
    if (channels.empty()) return std::make_unique<AresChannel>(transport);
    auto channel = std::move(channels.front());
    channels.pop_front();
    return channel;
}

void AresChannels::keep(Transport transport, std::unique_ptr<AresChannel> channel) noexcept {
    Resting& channels = resting(transport);
    if (!channels.full()) channels.push_back(std::move(channel));
}

}  // namespace resolvers
