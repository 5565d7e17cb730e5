// Why a channel of c-ares asks a single question.
//
// c-ares 1.18 is a complete resolver: it reads resolv.conf, walks through servers and search domains, and
// caches sockets. Of all this we only use the sockets, the connection and the framing of TCP. What to ask,
// which answer to accept, how long to wait and which server to ask next is decided here and in AresLookup,
// for three reasons.
//
// First, a channel sends all the questions that it has at a time from one source port. An attacker who knows
// that port only has to guess the 16-bit id. With a channel for each question every question has a port of
// its own (K-61), besides its id and the letter case of its name.
//
// Second, a channel accepts the first message with the right id and question, whatever else is in it, and
// then closes its socket: a forged answer ends the wait for the true one. So every datagram passes our own
// reader first (`receive`). One that is forged or malformed is counted and dropped there, and c-ares keeps
// waiting. A stream is read unchanged, as c-ares undoes the framing; its answers pass the reader in
// `on_done`.
//
// Third, a channel must not be used or destroyed from inside its callbacks, and exceptions must not pass
// through C. So all callbacks are noexcept, and whatever follows from one of them is posted to the loop.
//
// Making a channel costs 72 KiB and a key from the kernel, which takes longer than the rest of a question. So
// idle channels are kept and used again in turn (NameServers). An idle channel has no socket: the next
// question gets a fresh port.

#include "resolvers/ares_exchange.hpp"

#include <ares.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace resolvers {
namespace {

using conf::Transport;

// c-ares' own time-out; ours is always earlier.
constexpr int never = 24 * 60 * 60 * 1000;

// A flood of forged answers is read in batches, so that the loop is not blocked.
constexpr int datagram_batch = 64;

ares_addr_port_node to_node(const base::Endpoint& server) {
    ares_addr_port_node node{};
    node.family = server.family == base::Family::v4 ? AF_INET : AF_INET6;
    std::memcpy(&node.addr, server.bytes.data(), server.family == base::Family::v4 ? 4 : 16);
    node.udp_port = node.tcp_port = server.port;
    return node;
}

}  // namespace

/// What c-ares calls, with the exchange as `self`.
struct AresExchange::Hooks {
    static AresExchange& of(void* self) { return *static_cast<AresExchange*>(self); }

    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable) noexcept {
        of(self).watch(fd, readable != 0, writable != 0);
    }
    static void on_done(void* self, int status, int, unsigned char* answer, int size) noexcept {
        of(self).on_done(status, {answer, static_cast<std::size_t>(size)});
    }
    // CLOEXEC and non-blocking from the start, which c-ares does in several steps.
    static ares_socket_t open(int family, int type, int protocol, void*) noexcept {
        return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    }
    static int close(ares_socket_t fd, void*) noexcept { return ::close(fd); }
    // c-ares would drop the scope of a link-local server.
    static int connect(ares_socket_t fd, const sockaddr*, ares_socklen_t, void* self) noexcept {
        sockaddr_storage address;
        const auto size = base::to_sockaddr(of(self).pending_->server, address);
        return static_cast<int>(
            of(self).checked(::connect(fd, reinterpret_cast<const sockaddr*>(&address), size)));
    }
    static ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                                ares_socklen_t* from_size, void* self) noexcept {
        return of(self).receive(fd, buffer, size, flags, from, from_size);
    }
    static ares_ssize_t send(ares_socket_t fd, const iovec* pieces, int count, void* self) noexcept {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(pieces);
        message.msg_iovlen = static_cast<std::size_t>(count);
        return of(self).checked(::sendmsg(fd, &message, MSG_NOSIGNAL));
    }
};

// All options that c-ares would otherwise read from files are given.
AresExchange::AresExchange(boost::asio::io_context& io, const conf::Resolver& settings, Counters& counters,
                           Transport transport)
    : io_(io), settings_(settings), counters_(counters), transport_(transport), timer_(io) {
    ares_options options{};
    char lookups[] = "b";
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_IGNTC | ARES_FLAG_NOCHECKRESP;
    if (transport == Transport::tcp) options.flags |= ARES_FLAG_USEVC;
    options.timeout = never;
    options.tries = 1;
    options.ndots = 1;
    options.lookups = lookups;
    options.sock_state_cb = &Hooks::on_socket_state;
    options.sock_state_cb_data = this;
    in_addr replaced_by_ask{};
    options.servers = &replaced_by_ask;
    options.nservers = 1;
    const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                      ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_SERVERS |
                      ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) throw std::bad_alloc();
    static const ares_socket_functions functions{&Hooks::open, &Hooks::close, &Hooks::connect,
                                                 &Hooks::receive, &Hooks::send};
    ares_set_socket_functions(channel_, &functions, this);
}

AresExchange::~AresExchange() {
    cancel();
    ares_destroy(channel_);
}

void AresExchange::ask(const base::Endpoint& server, DnsQuestion question, base::Duration timeout,
                       Done done) {
    pending_.emplace(Pending{server, std::move(question), timeout, std::move(done)});
    ++(transport_ == Transport::udp ? counters_.sent_udp : counters_.sent_tcp);
    start_timer(transport_ == Transport::udp ? timeout : settings_.connect_timeout);
    auto node = to_node(server);
    if (const int status = ares_set_servers_ports(channel_, &node); status != ARES_SUCCESS)
        return on_done(status, {});
    const auto& packet = pending_->question.packet();
    ares_send(channel_, packet.data(), static_cast<int>(packet.size()), &Hooks::on_done, this);
}

// c-ares closes the socket, so nothing is watched afterwards.
void AresExchange::cancel() noexcept {
    if (!pending_) return;
    pending_->finished = true;
    timer_.cancel();
    ares_cancel(channel_);
    watches_.clear();
    pending_.reset();
}

void AresExchange::watch(int fd, bool readable, bool writable) {
    auto found =
        std::ranges::find_if(watches_, [fd](Watch& watch) { return watch.socket.native_handle() == fd; });
    if (!readable && !writable) {
        // c-ares closes it next.
        if (found == watches_.end()) return;
        found->socket.release();
        watches_.erase(found);
        return;
    }
    if (found == watches_.end()) {
        found = watches_.emplace(watches_.end(), io_);
        // A socket that cannot be watched is a silent one.
        boost::system::error_code ignored;
        found->socket.assign(fd, ignored);
    }
    found->read = readable;
    found->write = writable;
    wait(*found);
}

void AresExchange::wait(Watch& watch) {
    using Socket = boost::asio::posix::stream_descriptor;
    const int fd = watch.socket.native_handle();
    // The watch may be gone when a handler runs, so it is found again by its descriptor.
    const auto arm = [this, fd, &watch](Socket::wait_type what, bool Watch::*wanted, bool Watch::*pending,
                                        auto proceed) {
        if (!(watch.*wanted) || watch.*pending) return;
        watch.*pending = true;
        watch.socket.async_wait(
            what, pending_->alive.guard([this, fd, pending, proceed](const boost::system::error_code& error) {
                if (error) return;
                proceed();
                for (Watch& still : watches_)
                    if (still.socket.native_handle() == fd) {
                        still.*pending = false;
                        wait(still);
                    }
            }));
    };
    arm(Socket::wait_read, &Watch::read, &Watch::read_pending,
        [this, fd] { ares_process_fd(channel_, fd, ARES_SOCKET_BAD); });
    arm(Socket::wait_write, &Watch::write, &Watch::write_pending, [this, fd] {
        on_connected();
        ares_process_fd(channel_, ARES_SOCKET_BAD, fd);
    });
}

void AresExchange::on_connected() {
    if (transport_ != Transport::tcp || pending_->connected || pending_->finished) return;
    pending_->connected = true;
    start_timer(pending_->timeout);
}

// Remembers why the socket failed, which c-ares does not tell.
ssize_t AresExchange::checked(ssize_t result) {
    if (result < 0 && errno != EAGAIN && errno != EINPROGRESS && errno != EINTR) pending_->error = errno;
    return result;
}

// Every byte that c-ares reads comes through here. A datagram has a sender, a piece of a stream has none.
ssize_t AresExchange::receive(int fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                              socklen_t* from_size) {
    if (from == nullptr) {
        const ssize_t got = checked(::recv(fd, buffer, size, flags));
        pending_->saw_bytes = pending_->saw_bytes || got > 0;
        pending_->closed = got == 0;
        return got;
    }
    const socklen_t room = *from_size;
    for (int i = 0; i < datagram_batch; ++i) {
        *from_size = room;
        const ssize_t got = checked(::recvfrom(fd, buffer, size, flags, from, from_size));
        if (got < 0) return got;
        if (accept({static_cast<const std::uint8_t*>(buffer), static_cast<std::size_t>(got)})) return got;
    }
    errno = EAGAIN;
    return -1;
}

// Keeps the answer, if it is one. Of one that cannot be used the reason is kept: it explains a silence.
bool AresExchange::accept(std::span<const std::uint8_t> message) {
    if (pending_->finished) return false;
    DnsAnswer answer = read_answer(message, pending_->question, settings_);
    if (answer.verdict == DnsAnswer::not_ours) {
        ++counters_.not_ours;
        return false;
    }
    if (transport_ == Transport::udp && message.size() > max_udp_answer) {
        answer.verdict = DnsAnswer::malformed;
        answer.why = "oversized datagram";
    }
    if (answer.verdict == DnsAnswer::malformed) {
        ++counters_.malformed;
        pending_->saw_malformed = true;
        pending_->result.answer = answer;
        return false;
    }
    if (answer.verdict == DnsAnswer::truncated) ++counters_.truncated;
    pending_->result.answer = std::move(answer);
    pending_->result.kind = Result::answered;
    return true;
}

void AresExchange::on_done(int status, std::span<const std::uint8_t> answer) {
    if (pending_->finished || status == ARES_ECANCELLED) return;
    if (status != ARES_SUCCESS)
        return finish(Result::unreachable, pending_->closed       ? "closed the connection"
                                           : pending_->error != 0 ? ::strerrordesc_np(pending_->error)
                                                                  : ares_strerror(status));
    if (transport_ == Transport::tcp) accept(answer);
    if (pending_->result.kind == Result::answered)
        finish(Result::answered, {});
    else
        finish(Result::unusable, "sent no valid answer");
}

void AresExchange::start_timer(base::Duration timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait(pending_->alive.guard([this](const boost::system::error_code& error) {
        if (error) return;
        const bool never_connected = transport_ == Transport::tcp && !pending_->connected;
        finish(never_connected ? Result::unreachable : Result::silent,
               pending_->saw_bytes ? "sent no valid answer" : "");
    }));
}

void AresExchange::finish(Result::Kind kind, std::string_view why) {
    if (pending_->finished) return;
    pending_->finished = true;
    Result& result = pending_->result;
    result.kind = kind == Result::silent && pending_->saw_malformed ? Result::unusable : kind;
    if (kind != Result::answered && result.answer.why.empty()) result.answer.why = why;
    if (result.kind == Result::silent) ++counters_.silent;
    if (result.kind == Result::unreachable) ++counters_.unreachable;
    boost::asio::post(io_, pending_->alive.guard([this] {
        const Done done = std::move(pending_->done);
        const Result finished = std::move(pending_->result);
        cancel();
        done(finished);
    }));
}

}  // namespace resolvers
