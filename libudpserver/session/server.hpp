#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/worker.hpp"

namespace session {

/// Where a Server gets more pool sockets from. The answer comes by Server::sockets_came, never inside the
/// call.
class SocketSource {
public:
    virtual ~SocketSource() = default;
    virtual void request(std::size_t group, unsigned worker, std::size_t count) = 0;
};

using ProxyFactory = std::function<std::unique_ptr<Proxy>(const conf::Config&)>;

/// REG's work, and singleproc's: all workers with their sessions. Lives in the main thread of its process;
/// only the workers have threads of their own.
class Server {
public:
    struct Parts {
        const conf::Config& config;
        net::ListenerSet& listeners;
        const net::SocketPool& pool;  ///< as inherited; what comes later comes by sockets_came
        Arena& arena;
        ProxyFactory make_proxy;
        SocketSource& source;
    };

    /// Maps the arena and makes the workers. Throws what they throw.
    Server(boost::asio::io_context& io, const Parts& parts);
    ~Server();

    /// Takes over the sessions of the last REG (or none of them with `fresh`) and starts to serve.
    Adoption start(bool fresh);

    /// More sockets for a worker, at consecutive places from `first`. They stay open with the Server. With
    /// `error` the parent had fewer than were asked for.
    void sockets_came(std::size_t group, unsigned worker, Slot first, std::vector<base::UniqueFd> sockets,
                      int error);

    /// Calls `alive` in this thread when every worker has done a turn.
    void ping(std::function<void()> alive);

    /// Closes and reports all sessions, ends the workers. Returns when that is done.
    void close_all(CloseReason reason);
    /// Instead of start(): reports every session that a dead REG left, as ABORTED, and serves nobody.
    void report_left();
    /// Ends the workers and leaves the sessions to the next REG.
    void leave();

    /// What INFO prints of it (K-20), one line each. Asks the workers, and waits for each a second at most.
    [[nodiscard]] std::vector<std::string> info() const;
    /// Once a minute (K-78), if anything happened since the last one: a line for the log, else empty.
    [[nodiscard]] std::string housekeeping();

private:
    void request_from_main(std::size_t group, unsigned worker);
    /// What the kernel dropped at full listening sockets since the proxy's start.
    [[nodiscard]] std::uint64_t dropped_at_listeners() const;
    [[nodiscard]] std::uint64_t sum(Count Totals::*member) const;
    // server_info.cpp
    void add_traffic(std::vector<std::string>& lines) const;
    void add_reasons(std::vector<std::string>& lines) const;
    void add_rules(std::vector<std::string>& lines, const std::vector<RuleCount>& counts) const;
    void add_sockets(std::vector<std::string>& lines, const std::vector<SocketUse>& use) const;

    boost::asio::io_context& io_;
    const conf::Config& config_;
    net::ListenerSet& listeners_;
    Arena& arena_;
    SocketSource& source_;
    const std::vector<net::PoolGroup>& groups_;
    std::vector<std::unique_ptr<Proxy>> proxies_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<base::UniqueFd> sockets_;  ///< that came after the start
};

}  // namespace session
