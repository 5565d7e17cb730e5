#pragma once

#include <cstddef>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/token_bucket.hpp"
#include "libudpserver/net/socket_pool.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "libudpserver/session/server.hpp"

namespace proxyd {

/// How much work a REG that was taken over can make the parent do with requests for sockets (E-7). A request
/// is 128 sockets, so the rate suffices for 128,000 new sessions a second; and after a search of all ports
/// found none, no other is made for a second.
class PoolLimit {
public:
    static constexpr base::Rate max_requests{.per_second = 1000, .burst = 256};
    static constexpr base::Duration pause{1'000};

    /// 0 if the request may be served, else the errno of the answer.
    [[nodiscard]] int check(std::size_t group, base::Instant now);
    /// The group has no free port.
    void exhausted(std::size_t group, base::Instant now);

private:
    base::TokenBucket requests_;
    std::unordered_map<std::size_t, base::Instant> exhausted_until_;
};

/// After a chunk was offered to REG: takes it out of the pool if REG did not get it, or it would be lost
/// until the next REG. REG repeats a request that has no answer.
void keep_if_sent(net::SocketPool& pool, net::SocketPool::Chunk& chunk, ipc::SendResult result);

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
