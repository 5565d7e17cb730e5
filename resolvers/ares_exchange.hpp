#pragma once

#include <sys/socket.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <optional>
#include <span>
#include <string_view>

#include "base/endpoint.hpp"
#include "base/lookup.hpp"
#include "conf/config.hpp"
#include "resolvers/alive_guard.hpp"
#include "resolvers/dns_answer.hpp"
#include "resolvers/dns_question.hpp"

struct ares_channeldata;

namespace resolvers {

/// What a resolver did since its start, for INFO.
struct Counters {
    std::uint64_t asked = 0;     ///< questions of callers
    std::uint64_t literals = 0;  ///< answered: an address
    std::uint64_t hosts = 0;     ///< answered from the hosts file
    std::uint64_t cached = 0;    ///< answered from the cache
    std::uint64_t joined = 0;    ///< waited for a look-up under way (K-59)
    std::uint64_t lookups = 0;   ///< look-ups started
    std::uint64_t sent_udp = 0;  ///< questions to servers
    std::uint64_t sent_tcp = 0;
    std::uint64_t not_ours = 0;   ///< answers dropped: wrong id, question, letter case (K-61)
    std::uint64_t malformed = 0;  ///< answers dropped: cannot be used
    std::uint64_t truncated = 0;
    std::uint64_t silent = 0;       ///< a server did not answer in time
    std::uint64_t unreachable = 0;  ///< a server cannot be reached, or closes the connection
    std::array<std::uint64_t, base::lookup_statuses> outcomes{};  ///< of all questions, by status
};

/// A channel of c-ares: asks one server one question at a time, and can be used again. It has a socket, and
/// so a source port, only from `ask` to the answer.
class AresExchange {
public:
    struct Result {
        enum Kind { answered, silent, unusable, unreachable };
        Kind kind = silent;
        DnsAnswer answer;  ///< if answered; otherwise only `why`, empty if nothing was received
    };
    using Done = std::function<void(const Result&)>;

    /// `settings` and `counters` outlive the exchange. Throws std::bad_alloc when c-ares has no memory.
    AresExchange(boost::asio::io_context& io, const conf::Resolver& settings, Counters& counters,
                 conf::Transport transport);
    ~AresExchange();
    AresExchange(const AresExchange&) = delete;
    AresExchange& operator=(const AresExchange&) = delete;

    /// Sends the question now; only while idle. `done` is called once, from the loop; the exchange is idle
    /// then, and `done` may destroy it. `timeout` does not include the time to connect.
    void ask(const base::Endpoint& server, DnsQuestion question, base::Duration timeout, Done done);
    /// Closes the socket without calling `done`.
    void cancel() noexcept;

    [[nodiscard]] conf::Transport transport() const { return transport_; }

private:
    struct Hooks;

    /// The question under way.
    struct Pending {
        base::Endpoint server;
        DnsQuestion question;
        base::Duration timeout;
        Done done;
        Result result{};
        int error = 0;               ///< of the last call on the socket, errno
        bool saw_malformed = false;  ///< an answer that matches the question and cannot be used
        bool saw_bytes = false;      ///< of a stream
        bool closed = false;         ///< the server closed the stream
        bool connected = false;
        bool finished = false;
        AliveGuard alive{};
    };
    /// A socket of c-ares and what it waits for. The descriptor belongs to c-ares.
    struct Watch {
        explicit Watch(boost::asio::io_context& io) : socket(io) {}
        boost::asio::posix::stream_descriptor socket;
        bool read = false, write = false;                  ///< wanted
        bool read_pending = false, write_pending = false;  ///< in Asio
    };

    void watch(int fd, bool readable, bool writable);
    void wait(Watch& watch);
    void process(int readable, int writable);
    void on_connected();
    ssize_t checked(ssize_t result);
    ssize_t receive(int fd, void* buffer, std::size_t size, int flags, sockaddr* from, socklen_t* from_size);
    bool accept(std::span<const std::uint8_t> message);
    void on_done(int status, std::span<const std::uint8_t> answer);
    void start_timer(base::Duration timeout);
    void finish(Result::Kind kind, std::string_view why);

    boost::asio::io_context& io_;
    const conf::Resolver& settings_;
    Counters& counters_;
    conf::Transport transport_;
    boost::asio::steady_timer timer_;
    ares_channeldata* channel_ = nullptr;
    std::list<Watch> watches_;
    std::optional<Pending> pending_;
};

}  // namespace resolvers
