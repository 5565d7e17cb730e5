#include "resolvers/ares_exchange.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <utility>

namespace resolvers {
namespace {

// A flood of forged answers is read in portions, so that the loop's other work goes on.
constexpr int datagrams_at_once = 64;

}  // namespace

AresExchange::AresExchange(const AresContext& context, const base::Endpoint& server, Transport transport,
                           DnsQuestion question, Limits limits, Done done)
    : context_(context),
      timer_(context.io),
      transport_(transport),
      question_(std::move(question)),
      limits_(limits),
      done_(std::move(done)),
      channel_(context.channels.take(transport)) {
    ++(transport == Transport::udp ? context_.counters.sent_udp : context_.counters.sent_tcp);
    start_timer(transport == Transport::udp ? limits.answer : limits.connect);
    channel_->ask(*this, server, question_.packet());
}

AresExchange::~AresExchange() {
    give_channel_back();
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
        found = watches_.emplace(watches_.end(), context_.io);
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
    if (channel_) channel_->process(readable, writable);
}

void AresExchange::connected() {
    if (transport_ != Transport::tcp || connected_ || finished_) return;
    connected_ = true;
    start_timer(limits_.answer);
}

// Every byte that c-ares reads comes through here. A datagram has a sender, a piece of a stream has none.
ares_ssize_t AresExchange::receive(ares_socket_t fd, void* buffer, std::size_t size, int flags,
                                   sockaddr* from, ares_socklen_t* from_size) {
    if (from == nullptr) return ::recv(fd, buffer, size, flags);
    const ares_socklen_t room = *from_size;
    for (int i = 0; i < datagrams_at_once; ++i) {
        *from_size = room;
        const auto got = ::recvfrom(fd, buffer, size, flags, from, from_size);
        if (got < 0) return got;
        if (believe({static_cast<const std::uint8_t*>(buffer), static_cast<std::size_t>(got)})) return got;
    }
    errno = EAGAIN;
    return -1;
}

// Keeps the answer, if it is one. Of what cannot be used the reason is kept: it explains a silence.
bool AresExchange::believe(std::span<const std::uint8_t> message) {
    if (finished_) return false;
    DnsAnswer answer = read_answer(message, question_, context_.settings.ttl);
    if (answer.verdict == DnsAnswer::not_ours) {
        ++context_.counters.not_ours;
        return false;
    }
    if (transport_ == Transport::udp && message.size() > max_udp_answer) {
        answer.verdict = DnsAnswer::malformed;
        answer.why = "a datagram that is too long";
    }
    if (answer.verdict == DnsAnswer::malformed) {
        ++context_.counters.malformed;
        saw_malformed_ = true;
        result_.answer = answer;
        return false;
    }
    if (answer.verdict == DnsAnswer::truncated) ++context_.counters.truncated;
    result_.answer = std::move(answer);
    result_.kind = Result::answered;
    return true;
}

// What follows is posted: c-ares must not be called in here.
void AresExchange::on_done(int status, std::span<const std::uint8_t> answer) {
    if (finished_ || status == ARES_ECANCELLED) return;
    if (status != ARES_SUCCESS) return finish(Result::unreachable, ares_strerror(status));
    if (transport_ == Transport::tcp) believe(answer);
    if (result_.kind == Result::answered)
        finish(Result::answered, {});
    else
        finish(Result::unusable, "an answer that cannot be used");
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
    if (kind == Result::silent) ++context_.counters.silent;
    if (kind == Result::unreachable) ++context_.counters.unreachable;
    boost::asio::post(context_.io, lifetime_.guard([this] {
        give_channel_back();
        const Done done = std::move(done_);
        const Result result = std::move(result_);
        done(result);
    }));
}

// c-ares closes the socket, so nothing is watched any more afterwards.
void AresExchange::give_channel_back() {
    timer_.cancel();
    if (!channel_) return;
    channel_->rest();
    context_.channels.keep(transport_, std::move(channel_));
}

}  // namespace resolvers
