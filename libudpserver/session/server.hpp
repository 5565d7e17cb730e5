#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/policy/names.hpp"
#include "libudpserver/session/arena_migration.hpp"
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
        LookupSource* lookups = nullptr;  ///< null: no on-line look-ups
        /// Arenas of other sizes that the sessions may still be in, the newest last; they are let go of.
        std::vector<Arena>* older_arenas = nullptr;
        const PolicyHistory* history = nullptr;
        /// So many of the sockets may have served sessions that the arena does not tell of, if it tells
        /// nothing.
        std::size_t used_sockets = 0;
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

    /// A name of the configuration means these addresses from now on, or with `unresolved` what it meant.
    /// What that changes is one line in the log, with the number of sessions on addresses that went
    /// (NAMS-210-N). A name that the configuration does not have is ignored. Before start() it holds when
    /// start() returns. However fast news come, the workers have one change of each name to deal with: of
    /// those that come meanwhile the newest counts.
    void name_news(const std::string& name, std::vector<base::Address> addresses, bool unresolved);

    /// Calls `alive` in this thread when every worker has done a turn.
    void ping(std::function<void()> alive);

    /// No session begins any more; open() tells when the last one has ended.
    void drain();
    [[nodiscard]] std::uint64_t open() const { return sum(&Totals::open); }

    /// Closes and reports all sessions, ends the workers. Returns when that is done.
    void close_all(CloseReason reason);
    /// Instead of start(): reports every session that a dead REG left, as ABORTED, and serves nobody.
    void report_left();
    /// Ends the workers and leaves the sessions to the next REG.
    void leave();

    /// Runs `task` in a worker's thread, then `then` in this one. A worker that there is not gets nothing
    /// done, and `then` is not called. `then` must not be called after this object has gone: stop the loop
    /// first.
    void in_worker(unsigned worker, std::function<void(SessionEngine&)> task, std::function<void()> then);
    [[nodiscard]] unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
    /// Where a worker's sessions begin.
    [[nodiscard]] Slot first_slot(unsigned worker) const {
        return session::first_slot(arena_, config_, worker);
    }
    /// The counts of all workers, by names.
    [[nodiscard]] std::vector<std::pair<std::string, std::uint64_t>> stats() const;

    /// What INFO prints of it (K-20), one line each. Asks the workers, and waits for each a second at most.
    [[nodiscard]] std::vector<std::string> info() const;
    /// Once a minute (K-78), if anything happened since the last one: a line for the log, else empty.
    [[nodiscard]] std::string housekeeping();

private:
    struct Door;
    struct News;
    /// What the workers are told of one name.
    struct Telling {
        bool under_way = false;
        std::optional<policy::Names::Addresses> next;
    };

    // server_names.cpp
    std::shared_ptr<Door> open_door();
    void close_door();
    static std::function<void(Lookup, LookupDone)> look_up(LookupSource* source, std::shared_ptr<Door> door,
                                                           unsigned worker);
    void told(std::size_t name);
    [[nodiscard]] bool has_server(const conf::Rule& rule) const;
    [[nodiscard]] std::string what_sessions_did(const std::string& name) const;

    [[nodiscard]] unsigned worker_for(Slot place, unsigned idle) const;
    void stop_reading();
    bool hand_over(unsigned worker, Worker::Handed& handed);
    Adoption adopt_all(bool fresh);
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
    std::shared_ptr<Door> door_;
    policy::Names names_;            ///< as the workers were told; for the log
    std::vector<Telling> tellings_;  ///< by name
    bool started_ = false;
    std::vector<Leftover> leftovers_;      ///< sessions that max-sessions has no place for any more
    std::vector<base::UniqueFd> sockets_;  ///< that came after the start
};

}  // namespace session
