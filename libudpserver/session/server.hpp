#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/net/network_monitor.hpp"
#include "libudpserver/net/shared_side.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/arena_migration.hpp"
#include "libudpserver/session/name_updates.hpp"
#include "libudpserver/session/server_statistics.hpp"
#include "libudpserver/session/worker.hpp"

namespace session {

/// Where a Server requests more pool sockets. The reply is Server::add_sockets(), never inside the call.
class SocketSource {
public:
    virtual ~SocketSource() = default;
    virtual void request(std::size_t group, unsigned worker, std::size_t count) = 0;
};

/// Looks up for a worker, in whose thread it is called. The callback is called once, in any thread, perhaps
/// inside the call; always, and within a bounded time.
using LookupSource = std::function<void(base::Lookup, base::LookupCallback)>;

using ProxyFactory = std::function<std::unique_ptr<Proxy>(const conf::Config&)>;

class Server;

/// A weak reference to a Server, for callbacks that run in other threads or after it is gone.
class ServerHandle {
public:
    explicit ServerHandle(Server& server) { state_->server = &server; }

    struct Locked {
        std::unique_lock<std::mutex> lock;
        Server* server;

        explicit operator bool() const { return server != nullptr; }
        Server* operator->() const { return server; }
    };
    /// The Server, which is not destroyed while the result is held. Null: it is gone.
    [[nodiscard]] Locked lock() const {
        std::unique_lock lock(state_->mutex);
        return {std::move(lock), state_->server};
    }
    /// The first step of the Server's destructor.
    void expire() const {
        const std::lock_guard lock(state_->mutex);
        state_->server = nullptr;
    }

private:
    struct State {
        std::mutex mutex;
        Server* server = nullptr;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// All workers with their sessions, in REG or in the single process. It lives in the main thread; only the
/// workers have threads of their own.
class Server {
public:
    struct Parts {
        const conf::Config& config;
        net::ListenerSet& listeners;
        const net::SocketPool& pool;  ///< as inherited; later ones are added by add_sockets()
        Arena& arena;
        ProxyFactory make_proxy;
        SocketSource& source;
        LookupSource look_up = nullptr;  ///< null: no on-line look-ups
        /// Arenas of other sizes that may still have sessions, the newest last; they are released.
        std::vector<Arena>* older_arenas = nullptr;
        const PolicyHistory* history = nullptr;
        const net::SharedSide* shared = nullptr;  ///< null: the server side is the pool
        /// How many sockets may have served sessions that an empty arena does not know.
        std::size_t used_sockets = 0;
    };

    /// Maps the arena and creates the workers. Throws what they throw.
    Server(boost::asio::io_context& io, const Parts& parts);
    ~Server();

    /// Adopts the sessions of the last REG (with `fresh`: none of them) and starts the workers. `network` is
    /// a socket of NetworkMonitor.
    Adoption start(bool fresh, base::UniqueFd network = net::NetworkMonitor::open_socket());
    /// Instead of start(): records every session of a dead REG as ABORTED.
    void report_left();

    /// Gives a worker more sockets, at consecutive places from `first`. With `error` the parent had fewer
    /// than requested.
    void add_sockets(std::size_t group, unsigned worker, SocketIndex first,
                     std::vector<base::UniqueFd> sockets, int error);

    /// The addresses of a configured name from now on. With `unresolved` its look-up failed: known addresses
    /// stay in use. Other names are ignored. Before start() it takes effect at once.
    void update_name(const std::string& name, std::vector<base::Address> addresses, bool unresolved) {
        name_updates_.update(name, std::move(addresses), unresolved);
    }

    /// Stops opening sessions; the counter Totals::open shows when the last one has closed.
    void drain();
    /// Closes and records all sessions and stops the workers, before it returns.
    void close_all(CloseReason reason);
    /// Stops the workers and leaves the sessions to the next REG.
    void leave();

    /// Runs `task` in each worker's thread and, when all have run it, `then` in this one, unless the Server
    /// is gone. Before start() both run inside the call; after leave() neither runs.
    void for_all_workers(std::function<void(unsigned worker, SessionEngine&)> task,
                         std::function<void()> then);
    /// The same in one worker, which starts with it if it has not started. Without such a worker neither
    /// runs.
    void in_worker(unsigned worker, std::function<void(SessionEngine&)> task, std::function<void()> then);
    [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
    /// The first place of a worker's sessions.
    [[nodiscard]] Slot first_slot(unsigned worker) const {
        return session::first_slot(arena_, config_, worker);
    }

    [[nodiscard]] ServerStatistics& statistics() { return statistics_; }
    /// Lines for INFO (K-20). A worker that has not answered after a second is left out.
    void info(const std::function<void(std::vector<std::string>)>& then);

private:
    enum class State { prepared, running, stopped };
    struct WorkerInfo;

    [[nodiscard]] LookUp look_up(const LookupSource& source, unsigned worker) const;
    [[nodiscard]] unsigned worker_for(SocketIndex socket, unsigned idle) const;
    void stop_reading();
    void review_sources();
    bool hand_over(unsigned worker, Worker::Handed& handed);
    [[nodiscard]] Worker::Others others();
    void add_sources(const Parts& parts);
    Adoption adopt_all(bool fresh);
    void request_from_main(std::size_t group, unsigned worker);
    // server_info.cpp
    [[nodiscard]] std::vector<std::string> info_lines(const std::vector<WorkerInfo>& workers) const;
    void add_rule_lines(std::vector<std::string>& lines, const std::vector<RuleCount>& counts) const;
    void add_socket_lines(std::vector<std::string>& lines, const std::vector<SocketUse>& use) const;

    boost::asio::io_context& io_;
    const conf::Config& config_;
    net::ListenerSet& listeners_;
    Arena& arena_;
    SocketSource& source_;
    const std::vector<net::PoolGroup>& groups_;
    ServerHandle handle_{*this};
    ServerStatistics statistics_;
    NameUpdates name_updates_;
    net::PoolPorts pool_ports_;
    std::vector<std::unique_ptr<net::SharedPorts>> shared_ports_;  ///< by worker; empty: own sockets
    std::vector<std::unique_ptr<Proxy>> proxies_;
    std::vector<std::unique_ptr<Worker>> workers_;
    State state_ = State::prepared;
    std::vector<Leftover> leftovers_;             ///< sessions that max-sessions no longer has room for
    std::vector<base::UniqueFd> sockets_;         ///< added after the start
    std::optional<net::NetworkMonitor> network_;  ///< while the workers run
};

}  // namespace session
