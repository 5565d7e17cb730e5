#pragma once

#include <optional>
#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/server.hpp"
#include "proxyd/handover.hpp"
#include "resolvers/name_snapshot.hpp"

namespace proxyd {

/// What the first process makes before it forks, and keeps for as long as the proxy lives (DESIGN §2.2):
/// listening sockets, the first pool sockets, the session arena.
class Resources {
public:
    /// Raises the limit of open files, then opens everything. Throws what the parts throw, with the reason.
    explicit Resources(const conf::Config& config) : Resources(config, capacity(config)) {}
    /// What this process had before it became this program. Throws likewise.
    Resources(const conf::Config& config, const Handover& handover);
    /// Adds what there is, to be handed over, with or without the sessions.
    void leave_to(Handover& handover, bool with_sessions) const;

    net::ListenerSet listeners;
    net::SocketPool pool;
    session::Arena arena;
    /// Of a reload that no REG has taken over yet: arenas that the sessions may still be in, and the
    /// configurations that they may still be of.
    std::vector<session::Arena> older_arenas;
    session::PolicyHistory history;

    /// What another configuration needs, made already.
    struct Change {
        net::ListenerSet::Change listeners;
        std::optional<session::Arena> arena;  ///< when max-sessions or workers is another one
        unsigned workers = 1;
    };
    /// Makes it. Throws what the parts throw, with the reason; everything is as before then.
    [[nodiscard]] Change prepare(const conf::Config& config);
    /// From now on this is what `after`, which prepare() was asked for, needs; REGs of the configuration
    /// before must leave.
    void apply(Change change, std::shared_ptr<const conf::Config> before);
    /// A REG that was forked now or later has taken everything over.
    void forget_past();

    /// All descriptors that REG needs, as of now.
    [[nodiscard]] std::vector<int> descriptors() const;

    /// What a server is made of, in whichever process it runs.
    [[nodiscard]] session::Server::Parts server_parts(const conf::Config& config,
                                                      session::SocketSource& source,
                                                      session::LookupSource* lookups);

    /// Says in the log what is less than the configuration asks for.
    void warn_if_short(const conf::Config& config) const;

    /// `127.0.0.1:53`, for each listener.
    [[nodiscard]] std::vector<std::string> listener_texts() const;

    /// For the next ACR.
    resolvers::NameSnapshot names;

    /// Set in the parent when the proxy ends gracefully: each REG that starts then begins no session.
    bool draining = false;

    /// Says in the log where the proxy serves.
    void log_listeners() const;

private:
    Resources(const conf::Config& config, std::size_t pool_capacity);
    static std::size_t capacity(const conf::Config& config);
    void prepare_pool(const conf::Config& config);
    [[nodiscard]] bool fits_arena(const conf::Config& config) const;

    unsigned workers_;              ///< that the arena is divided among
    std::size_t used_sockets_ = 0;  ///< of sessions that an upgrade ended
};

}  // namespace proxyd
