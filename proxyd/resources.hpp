#pragma once

#include <vector>

#include "conf/config.hpp"
#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/server.hpp"

namespace proxyd {

/// What the first process makes before it forks, and keeps for as long as the proxy lives (DESIGN §2.2):
/// listening sockets, the first pool sockets, the session arena.
class Resources {
public:
    /// Raises the limit of open files, then opens everything. Throws what the parts throw, with the reason.
    explicit Resources(const conf::Config& config) : Resources(config, capacity(config)) {}

    net::ListenerSet listeners;
    net::SocketPool pool;
    session::Arena arena;

    /// All descriptors that REG needs, as of now.
    [[nodiscard]] std::vector<int> descriptors() const;

    /// What a server is made of, in whichever process it runs.
    [[nodiscard]] session::Server::Parts server_parts(const conf::Config& config,
                                                      session::SocketSource& source);

    /// Says in the log what is less than the configuration asks for.
    void warn_if_short(const conf::Config& config) const;

    /// Says in the log where the proxy serves.
    void log_listeners() const;

private:
    Resources(const conf::Config& config, std::size_t pool_capacity);
    static std::size_t capacity(const conf::Config& config);
};

}  // namespace proxyd
