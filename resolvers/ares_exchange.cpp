#include "resolvers/ares_exchange.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

namespace resolvers {
namespace {

// A flood of forged answers is read in portions, so that the loop's other work goes on.
constexpr int datagrams_at_once = 64;
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

AresExchange::AresExchange(boost::asio::io_context& io, Counters& counters, const base::Endpoint& server,
                           Transport transport, DnsQuestion question, const TtlBounds& bounds, Limits limits,
                           Done done)
    : io_(io),
      timer_(io),
      counters_(counters),
      server_(server),
      transport_(transport),
      question_(std::move(question)),
      bounds_(bounds),
      limits_(limits),
      done_(std::move(done)) {
    ++(transport == Transport::udp ? counters.sent_udp : counters.sent_tcp);
    start_timer(transport == Transport::udp ? limits.answer : limits.connect);
    if (open_channel())
        send();
    else
        finish(Result::unreachable, "c-ares has no memory");
}

AresExchange::~AresExchange() {
    close_channel();
}

// All options that c-ares would otherwise read from files are given.
bool AresExchange::open_channel() {
    ares_options options{};
    char lookups[] = "b";
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_IGNTC | ARES_FLAG_NOCHECKRESP;
    if (transport_ == Transport::tcp) options.flags |= ARES_FLAG_USEVC;
    options.timeout = never;
    options.tries = 1;
    options.ndots = 1;
    options.lookups = lookups;
    options.sock_state_cb = &AresExchange::on_socket_state;
    options.sock_state_cb_data = this;
    in_addr replaced_below{};
    options.servers = &replaced_below;
    options.nservers = 1;
    const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                      ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_SERVERS |
                      ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) {
        channel_ = nullptr;
        return false;
    }
    static const ares_socket_functions functions{open_socket, close_socket, &AresExchange::connect,
                                                 &AresExchange::receive, send_pieces};
    ares_set_socket_functions(channel_, &functions, this);
    auto node = to_node(server_);
    return ares_set_servers_ports(channel_, &node) == ARES_SUCCESS;
}

void AresExchange::send() {
    const auto& packet = question_.packet();
    ares_send(channel_, packet.data(), static_cast<int>(packet.size()), &AresExchange::on_ares_done, this);
}

void AresExchange::on_socket_state(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<AresExchange*>(self)->watch(fd, readable != 0, writable != 0);
}

void AresExchange::watch(ares_socket_t fd, bool readable, bool writable) {
    auto found = std::find_if(watches_.begin(), watches_.end(),
                              [fd](Watch& watch) { return watch.socket.native_handle() == fd; });
    if (!readable && !writable) {
        // c-ares closes it next.
        if (found == watches_.end()) return;
        found->socket.release();
        watches_.erase(found);
        return;
    }
    if (found == watches_.end()) {
        found = watches_.emplace(watches_.end(), io_);
        // An exception must not go through c-ares; a socket that cannot be watched is a silent one.
        boost::system::error_code ignored;
        found->socket.assign(fd, ignored);
    }
    found->read = readable;
    found->write = writable;
    wait(*found);
}

void AresExchange::wait(Watch& watch) {
    using Socket = boost::asio::posix::stream_descriptor;
    const ares_socket_t fd = watch.socket.native_handle();
    // The watch may be gone when a handler runs; its descriptor's number tells.
    const auto arm = [this, fd, &watch](Socket::wait_type what, bool Watch::*wanted, bool Watch::*pending,
                                        auto go_on) {
        if (!(watch.*wanted) || watch.*pending) return;
        watch.*pending = true;
        watch.socket.async_wait(
            what, lifetime_.guard([this, fd, pending, go_on](const boost::system::error_code& error) {
                if (error) return;
                go_on();
                for (Watch& still : watches_)
                    if (still.socket.native_handle() == fd) {
                        still.*pending = false;
                        wait(still);
                    }
            }));
    };
    arm(Socket::wait_read, &Watch::read, &Watch::read_pending, [this, fd] { process(fd, ARES_SOCKET_BAD); });
    arm(Socket::wait_write, &Watch::write, &Watch::write_pending, [this, fd] {
        connected();
        process(ARES_SOCKET_BAD, fd);
    });
}

void AresExchange::process(ares_socket_t readable, ares_socket_t writable) {
    if (channel_ != nullptr) ares_process_fd(channel_, readable, writable);
}

void AresExchange::connected() {
    if (transport_ != Transport::tcp || connected_ || finished_) return;
    connected_ = true;
    start_timer(limits_.answer);
}

// c-ares would forget the scope of a link-local server.
int AresExchange::connect(ares_socket_t fd, const sockaddr*, ares_socklen_t, void* self) {
    sockaddr_storage address;
    const auto size = base::to_sockaddr(static_cast<AresExchange*>(self)->server_, address);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), size);
}

// Every byte that c-ares reads comes through here. A datagram has a sender, a piece of a stream has none.
ares_ssize_t AresExchange::receive(ares_socket_t fd, void* buffer, std::size_t size, int flags,
                                   sockaddr* from, ares_socklen_t* from_size, void* self) {
    if (from == nullptr) return ::recv(fd, buffer, size, flags);
    auto& exchange = *static_cast<AresExchange*>(self);
    const ares_socklen_t room = *from_size;
    for (int i = 0; i < datagrams_at_once; ++i) {
        *from_size = room;
        const auto got = ::recvfrom(fd, buffer, size, flags, from, from_size);
        if (got < 0) return got;
        if (exchange.believe({static_cast<const std::uint8_t*>(buffer), static_cast<std::size_t>(got)}))
            return got;
    }
    errno = EAGAIN;
    return -1;
}

// Keeps the answer, if it is one. Of what cannot be used the reason is kept: it explains a silence.
bool AresExchange::believe(std::span<const std::uint8_t> message) {
    if (finished_) return false;
    DnsAnswer answer = read_answer(message, question_, bounds_);
    if (answer.verdict == DnsAnswer::not_ours) {
        ++counters_.not_ours;
        return false;
    }
    if (transport_ == Transport::udp && message.size() > max_udp_answer) {
        answer.verdict = DnsAnswer::malformed;
        answer.why = "a datagram that is too long";
    }
    if (answer.verdict == DnsAnswer::malformed) {
        ++counters_.malformed;
        saw_malformed_ = true;
        result_.answer = answer;
        return false;
    }
    if (answer.verdict == DnsAnswer::truncated) ++counters_.truncated;
    result_.answer = std::move(answer);
    result_.kind = Result::answered;
    return true;
}

// c-ares must not be touched in here: what follows is posted.
void AresExchange::on_ares_done(void* self, int status, int, unsigned char* answer, int size) {
    auto& exchange = *static_cast<AresExchange*>(self);
    if (exchange.finished_ || status == ARES_EDESTRUCTION) return;
    if (status != ARES_SUCCESS) {
        exchange.finish(Result::unreachable, ares_strerror(status));
        return;
    }
    const bool by_tcp = exchange.transport_ == Transport::tcp;
    if (by_tcp) exchange.believe({answer, static_cast<std::size_t>(size)});
    if (exchange.result_.kind == Result::answered)
        exchange.finish(Result::answered, {});
    else
        exchange.finish(Result::unusable, "an answer that cannot be used");
}

void AresExchange::start_timer(Duration limit) {
    timer_.expires_after(limit);
    timer_.async_wait(lifetime_.guard([this](const boost::system::error_code& error) {
        if (!error)
            finish(transport_ == Transport::tcp && !connected_ ? Result::unreachable : Result::silent,
                   "no answer");
    }));
}

void AresExchange::finish(Result::Kind kind, std::string_view why) {
    if (finished_) return;
    finished_ = true;
    if (kind == Result::silent && saw_malformed_) kind = Result::unusable;
    result_.kind = kind;
    if (kind != Result::answered && result_.answer.why.empty()) result_.answer.why = why;
    if (kind == Result::silent) ++counters_.silent;
    if (kind == Result::unreachable) ++counters_.unreachable;
    boost::asio::post(io_, lifetime_.guard([this] {
        close_channel();
        const Done done = std::move(done_);
        const Result result = std::move(result_);
        done(result);
    }));
}

void AresExchange::close_channel() {
    timer_.cancel();
    if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
    for (Watch& watch : watches_)
        watch.socket.release();
    watches_.clear();
}

}  // namespace resolvers
