#include "proxyd/pool_service.hpp"

#include <fcntl.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <memory>

#include "base/log.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/process/child_runtime.hpp"

namespace proxyd {

namespace {

/// The descriptors of a chunk.
std::vector<int> descriptors_of(const net::SocketPool& pool, const net::SocketPool::Chunk& chunk) {
    std::vector<int> result;
    for (std::size_t i = chunk.first; i < chunk.first + chunk.count; ++i)
        result.push_back(pool.sockets()[i].fd.get());
    return result;
}

void log_growth(const net::SocketPool& pool, const net::SocketPool::Chunk& chunk) {
    base::log::write(base::msg::pool_grown, "server-side sockets: {} more, {} of {}{}{}", chunk.count,
                     pool.sockets().size(), pool.capacity(), chunk.error != 0 ? "; " : "", chunk.problem);
}

net::SocketPool::Chunk grow(net::SocketPool& pool, const ipc::PoolRequest& request, bool reads,
                            PoolLimit& limit) {
    const base::Instant now = base::now();
    // What REG does not read keeps copies of descriptors here.
    if (!reads) return {.error = EAGAIN, .problem = "REG does not read its sockets"};
    if (const int error = limit.check(request.group, now); error != 0)
        return {.error = error, .problem = "too many requests for sockets"};
    net::SocketPool::Chunk chunk = pool.grow(request.group, request.worker, request.count);
    if (chunk.error == EADDRINUSE) limit.exhausted(request.group, now);
    return chunk;
}

void answer(process::Child& child, net::SocketPool& pool, PoolLimit& limit, ipc::Message& message) {
    const std::optional<ipc::PoolRequest> request = ipc::read<ipc::PoolRequest>(message);
    if (!request || request->count == 0) return child.link()->refuse("malformed pool-request");
    net::SocketPool::Chunk chunk = grow(pool, *request, child.link()->queued() == 0, limit);
    const ipc::PoolSockets sockets{request->group, request->worker, static_cast<std::uint32_t>(chunk.first),
                                   static_cast<std::uint16_t>(chunk.count), chunk.error};
    keep_if_sent(pool, chunk, child.send(sockets, message.id, descriptors_of(pool, chunk)));
    log_growth(pool, chunk);
}

}  // namespace

void keep_if_sent(net::SocketPool& pool, net::SocketPool::Chunk& chunk, ipc::SendResult result) {
    if (result == ipc::SendResult::sent || result == ipc::SendResult::queued) return;
    pool.cut_back(pool.groups().size(), chunk.first);
    chunk = {.first = chunk.first, .error = EAGAIN, .problem = "the link to REG is busy or closed"};
}

int PoolLimit::check(std::size_t group, base::Instant now) {
    if (const auto found = exhausted_until_.find(group);
        found != exhausted_until_.end() && now < found->second)
        return EADDRINUSE;
    return requests_.take(max_requests, now) ? 0 : EAGAIN;
}

void PoolLimit::exhausted(std::size_t group, base::Instant now) {
    exhausted_until_[group] = now + pause;
}

void serve_pool(process::Supervisor& supervisor, net::SocketPool& pool) {
    supervisor.on(ipc::MessageType::pool_request, [&pool, limit = std::make_shared<PoolLimit>()](
                                                      process::Child& child, ipc::Message& message) {
        answer(child, pool, *limit, message);
    });
}

void LinkSocketSource::deliver_to(session::Server& server) {
    server_ = &server;
    runtime_.on(ipc::MessageType::pool_sockets, [this](ipc::Message& message) {
        const std::optional<ipc::PoolSockets> sockets = ipc::read<ipc::PoolSockets>(message);
        if (!sockets) return runtime_.parent().refuse("malformed pool-sockets");
        server_->add_sockets(sockets->group, sockets->worker, session::SocketIndex{sockets->first_index},
                             std::move(message.descriptors), sockets->error);
    });
}

void LinkSocketSource::request(std::size_t group, unsigned worker, std::size_t count) {
    const ipc::PoolRequest request{static_cast<std::uint16_t>(group), static_cast<std::uint8_t>(worker),
                                   static_cast<std::uint16_t>(count)};
    const ipc::SendResult result = runtime_.parent().send(request);
    if (result == ipc::SendResult::sent || result == ipc::SendResult::queued) return;
    server_->add_sockets(group, worker, session::SocketIndex{}, {}, EAGAIN);
}

void LocalSocketSource::request(std::size_t group, unsigned worker, std::size_t count) {
    boost::asio::post(io_, [this, group, worker, count] {
        const net::SocketPool::Chunk chunk = pool_.grow(group, worker, count);
        log_growth(pool_, chunk);
        // The server and the pool each own a descriptor, as over a link.
        std::vector<base::UniqueFd> copies;
        for (const int fd : descriptors_of(pool_, chunk))
            copies.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
        server_->add_sockets(group, worker, session::SocketIndex{static_cast<std::uint32_t>(chunk.first)},
                             std::move(copies), chunk.error);
    });
}

}  // namespace proxyd
