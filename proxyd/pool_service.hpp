#pragma once

#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "libudpserver/session/server.hpp"

namespace proxyd {

/// The parent's side of the socket pool: answers requests of REG for more sockets.
void serve_pool(process::Supervisor& supervisor, net::SocketPool& pool);

/// REG's side: requests sockets over the link and passes them to the server.
class LinkSocketSource : public session::SocketSource {
public:
    explicit LinkSocketSource(process::ChildRuntime& runtime) : runtime_(runtime) {}
    /// Passes answers to `server` from now on.
    void deliver_to(session::Server& server);
    void request(std::size_t group, unsigned worker, std::size_t count) override;

private:
    process::ChildRuntime& runtime_;
    session::Server* server_ = nullptr;
};

/// For singleproc, where the pool is in the same process.
class LocalSocketSource : public session::SocketSource {
public:
    LocalSocketSource(boost::asio::io_context& io, net::SocketPool& pool) : io_(io), pool_(pool) {}
    void deliver_to(session::Server& server) { server_ = &server; }
    void request(std::size_t group, unsigned worker, std::size_t count) override;

private:
    boost::asio::io_context& io_;
    net::SocketPool& pool_;
    session::Server* server_ = nullptr;
};

}  // namespace proxyd
