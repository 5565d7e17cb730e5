#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/network_monitor.hpp"
#include "libudpserver/net/shared_side.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/server.hpp"
#include "proxyd/handover.hpp"
#include "proxyd/shared_side.hpp"

namespace proxyd {

/// What the first process makes before it forks and keeps until proxyd exits (doc/design.md, Ownership): all
/// sockets, and the memory of the sessions. REG only uses it.
class KeptState {
public:
    /// Raises the limit of open files, then opens everything. Throws what the parts throw, with the reason.
    explicit KeptState(const conf::Config& config);
    /// Takes over what this process had before an upgrade. Throws as the other does.
    KeptState(const conf::Config& config, const Handover& handover);

    struct Sockets {
        net::ListenerSet listeners;
        net::SocketPool pool;
        std::unique_ptr<net::SharedSide> shared;  ///< null: the pool is the server side
        std::string why_own;                      ///< why shared was not possible; empty: not wanted
    };
    Sockets sockets;

    struct Sessions {
        session::Arena arena;
        /// Until a REG has adopted after a reload: the arenas and configurations its sessions may belong to.
        std::vector<session::Arena> older_arenas = {};
        session::PolicyHistory history = {};
    };
    Sessions sessions;

    /// What another configuration needs, already made.
    struct Change {
        net::ListenerSet::Change listeners;
        std::optional<session::Arena> arena;  ///< if max-sessions or workers differs
        unsigned workers = 1;
    };
    /// Makes it. Throws what the parts throw, with the reason; nothing has changed then.
    [[nodiscard]] Change prepare(const conf::Config& config);
    /// Throws what prepare() would throw for listeners that cannot be opened.
    void check(const conf::Config& config) const {
        if (sockets.shared) check_change(*sockets.shared, sockets.pool.groups(), config);
        sockets.listeners.check(config);
    }
    /// Switches to a prepared change; `before` is the configuration that running sessions belong to.
    void apply(Change change, std::shared_ptr<const conf::Config> before);
    /// Drops what belongs to earlier configurations: a REG of the current one has adopted all sessions.
    void forget_past();

    /// Adds the descriptors and what they are, with or without the sessions.
    void leave_to(Handover& handover, bool with_sessions) const;

    /// Tells the program of a shared server side when the machine's addresses change, as long as the result
    /// lives; null for another server side.
    [[nodiscard]] std::unique_ptr<net::NetworkMonitor> follow_addresses(boost::asio::io_context& io);

    /// While it is on, the pool opens no more sockets.
    void freeze_pool(bool on);

    /// All descriptors that REG needs now.
    [[nodiscard]] std::vector<int> descriptors() const;
    /// `shared: …`, or `own: …` and why.
    [[nodiscard]] std::string server_side() const;
    /// Those of them with which REG may do one thing only.
    [[nodiscard]] sandbox::GuardedSockets guarded_sockets() const {
        return sockets.shared ? proxyd::guarded_sockets(*sockets.shared) : sandbox::GuardedSockets{};
    }
    /// The parts of a server, in REG or in the single process.
    [[nodiscard]] session::Server::Parts server_parts(const conf::Config& config,
                                                      session::SocketSource& source,
                                                      session::LookupSource look_up);

    /// `127.0.0.1:53` for each listener.
    [[nodiscard]] std::vector<std::string> listener_texts() const;
    void log_listeners() const;
    /// For each group of server-side sockets that the configuration needs.
    [[nodiscard]] std::vector<std::string> ceiling_texts(const conf::Config& config) const;
    /// Logs the ceilings, and warns if the limit of open files allows fewer sockets than max-sessions.
    void log_ceilings(const conf::Config& config) const;

private:
    void prepare_pool(const conf::Config& config);
    void prepare_shared(const conf::Config& config);
    [[nodiscard]] bool fits_arena(const conf::Config& config) const;

    [[nodiscard]] std::size_t socket_places() const;

    unsigned workers_;                 ///< that the arena is divided among
    std::size_t thawed_capacity_ = 0;  ///< of the pool, while it is frozen
    std::size_t used_sockets_ = 0;     ///< by sessions that an upgrade closed
};

}  // namespace proxyd
