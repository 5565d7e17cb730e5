#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string_view>

#include "base/endpoint.hpp"
#include "resolvers/ares_channel.hpp"
#include "resolvers/ares_context.hpp"
#include "resolvers/dns_answer.hpp"
#include "resolvers/dns_question.hpp"
#include "resolvers/lifetime.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// One question to one server and its answer, by c-ares.
///
/// A channel of c-ares 1.18 sends all questions that it has at a time from one source port, gives a question
/// up at the first answer with the right id and words, whatever is in it, and must not be stopped from inside
/// its callbacks. So an exchange has a channel for itself: a fresh port each (K-61). Of c-ares we use the
/// sockets, the connection and the framing of TCP; what to ask, which answer to believe, how long to wait and
/// whom to ask next is ours. Every datagram passes our reader before c-ares sees it: a forged or malformed
/// one is counted and dropped there, and c-ares goes on waiting for the true one.
class AresExchange final : private AresUser {
public:
    struct Result {
        enum Kind { answered, silent, unusable, unreachable };
        Kind kind = silent;
        DnsAnswer answer;  ///< if answered; otherwise `why` says why, if that is known
    };
    using Done = std::function<void(const Result&)>;
    struct Limits {
        Duration answer, connect;
    };

    /// Sends at once. `done` is called once, from the loop; it may destroy the exchange. Destroying it before
    /// cancels it.
    AresExchange(const AresContext& context, const base::Endpoint& server, Transport transport,
                 DnsQuestion question, Limits limits, Done done);
    ~AresExchange();
    AresExchange(const AresExchange&) = delete;
    AresExchange& operator=(const AresExchange&) = delete;

private:
    /// A socket of c-ares and what it waits for. The descriptor stays c-ares' own.
    struct Watch {
        explicit Watch(boost::asio::io_context& io) : socket(io) {}
        boost::asio::posix::stream_descriptor socket;
        bool read = false, write = false;                  ///< wanted
        bool read_pending = false, write_pending = false;  ///< in Asio
    };

    void watch(ares_socket_t fd, bool readable, bool writable) override;
    ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                         ares_socklen_t* from_size) override;
    void on_done(int status, std::span<const std::uint8_t> answer) override;

    void wait(Watch& watch);
    void process(ares_socket_t readable, ares_socket_t writable);
    void connected();
    bool believe(std::span<const std::uint8_t> message);
    void start_timer(Duration limit);
    void finish(Result::Kind kind, std::string_view why);
    void give_channel_back();

    const AresContext context_;
    boost::asio::steady_timer timer_;
    Transport transport_;
    DnsQuestion question_;
    Limits limits_;
    Done done_;
    std::unique_ptr<AresChannel> channel_;
    std::list<Watch> watches_;
    Result result_;
    bool saw_malformed_ = false;
    bool connected_ = false;
    bool finished_ = false;
    Lifetime lifetime_;
};

}  // namespace resolvers
