#include "proxyd/resources.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>

#include "libudpserver/base/log.hpp"
#include "proxyd/proxies/registry.hpp"

namespace proxyd {

namespace {

/// Descriptors that no session may take: logs, links, control, timers (L-28).
constexpr std::size_t reserve = 64;
/// So many sockets of each group are there before the first client is; more come on demand.
constexpr std::size_t first_sockets = 512;

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::size_t listening_sockets(const conf::Config& config) {
    std::size_t count = 0;
    for (const conf::ListenOn& entry : config.listen_on)
        count += entry.port.last - entry.port.first + 1u;
    return count * config.udpserver.workers;
}

std::size_t first_count(const conf::Config& config, std::size_t groups, std::size_t pool_capacity) {
    const std::size_t shares = std::max<std::size_t>(1, groups * config.udpserver.workers);
    return std::min(first_sockets, std::max<std::size_t>(1, pool_capacity / shares));
}

void fill(net::SocketPool& pool, const conf::Config& config) {
    const std::size_t wanted = first_count(config, pool.groups().size(), pool.capacity());
    for (std::size_t group = 0; group < pool.groups().size(); ++group) {
        for (unsigned worker = 0; worker < config.udpserver.workers; ++worker) {
            for (std::size_t made = 0; made < wanted;) {
                const net::SocketPool::Chunk chunk = pool.grow(group, worker, wanted - made);
                made += chunk.count;
                // A group that cannot have a single socket is a mistake of the configuration: say so now.
                if (made == 0) throw std::runtime_error("server-side sockets: " + chunk.problem);
                if (chunk.error != 0) break;
            }
        }
    }
}

}  // namespace

/// Asked before anything is opened, so that the message says what is wrong instead of EMFILE.
std::size_t Resources::capacity(const conf::Config& config) {
    const std::size_t limit = raise_descriptor_limit();
    const std::size_t listening = listening_sockets(config);
    if (listening + 2 * reserve > limit) {
        throw std::runtime_error("listen-on: " + std::to_string(listening) +
                                 " listening sockets need at least " +
                                 std::to_string(listening + 2 * reserve) +
                                 " open files, but this process may open only " + std::to_string(limit) +
                                 ": raise the limit of open files (LimitNOFILE=, ulimit -n), or listen on "
                                 "fewer ports");
    }
    return net::pool_capacity(config.udpserver.max_sessions, listening + reserve, limit);
}

Resources::Resources(const conf::Config& config, std::size_t pool_capacity)
    : listeners(config),
      pool(net::pool_groups(config), pool_capacity, config.udpserver.workers),
      arena(session::Arena::create(config.udpserver.max_sessions, pool.capacity())) {
    fill(pool, config);
}

std::vector<int> Resources::descriptors() const {
    std::vector<int> result = listeners.descriptors();
    for (const net::SocketPool::Socket& socket : pool.sockets())
        result.push_back(socket.fd.get());
    result.push_back(pool.filter().descriptor());
    result.push_back(arena.descriptor());
    return result;
}

void Resources::log_listeners() const {
    std::string where;
    for (std::size_t i = 0; i < listeners.size() && i < 4; ++i) {
        where += (i > 0 ? ", " : "") + base::to_string(listeners.local(i));
    }
    if (listeners.size() > 4) where += " and " + std::to_string(listeners.size() - 4) + " more";
    base::log::write(base::msg::proxy_started, "serving on {}", where);
}

session::Server::Parts Resources::server_parts(const conf::Config& config, session::SocketSource& source) {
    return {.config = config,
            .listeners = listeners,
            .pool = pool,
            .arena = arena,
            .make_proxy = proxies::make,
            .source = source};
}

void Resources::warn_if_short(const conf::Config& config) const {
    if (pool.capacity() >= config.udpserver.max_sessions) return;
    base::log::write(base::msg::descriptors_short,
                     "max-sessions is {}, but the limit of open files allows only {} server-side sockets",
                     config.udpserver.max_sessions, pool.capacity());
}

}  // namespace proxyd
