#pragma once

#include <ares.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libudpserver/base/endpoint.hpp"
#include "resolvers/counters.hpp"
#include "resolvers/dns_answer.hpp"
#include "resolvers/dns_question.hpp"
#include "resolvers/lifetime.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// One question to one server and its answer, by c-ares.
///
/// A channel of c-ares 1.18 keeps one source port for its life, gives a question up at the first answer with
/// the right id and words, whatever is in it, and must not be destroyed from inside its callbacks. So there
/// is a channel for each exchange: a fresh port each (K-61). Of c-ares we use the sockets, the connection and
/// the framing of TCP; what to ask, which answer to believe, how long to wait and whom to ask next is ours.
/// Every datagram passes our reader before c-ares sees it: a forged or malformed one is counted and dropped
/// there, and c-ares goes on waiting for the true one.
class AresExchange {
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
    AresExchange(boost::asio::io_context& io, Counters& counters, const base::Endpoint& server,
                 Transport transport, DnsQuestion question, const TtlBounds& bounds, Limits limits,
                 Done done);
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

    static void on_socket_state(void* self, ares_socket_t fd, int readable, int writable);
    static void on_ares_done(void* self, int status, int timeouts, unsigned char* answer, int size);
    static int connect(ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void* self);
    static ares_ssize_t receive(ares_socket_t fd, void* buffer, std::size_t size, int flags, sockaddr* from,
                                ares_socklen_t* from_size, void* self);

    bool open_channel();
    void send();
    void watch(ares_socket_t fd, bool readable, bool writable);
    void wait(Watch& watch);
    void process(ares_socket_t readable, ares_socket_t writable);
    void connected();
    bool believe(std::span<const std::uint8_t> message);
    void start_timer(Duration limit);
    void finish(Result::Kind kind, std::string_view why);
    void close_channel();

    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    Counters& counters_;
    base::Endpoint server_;
    Transport transport_;
    DnsQuestion question_;
    TtlBounds bounds_;
    Limits limits_;
    Done done_;
    ares_channel channel_ = nullptr;
    std::list<Watch> watches_;
    Result result_;
    bool saw_malformed_ = false;
    bool connected_ = false;
    bool finished_ = false;
    Lifetime lifetime_;
};

}  // namespace resolvers
