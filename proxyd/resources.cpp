#include "proxyd/resources.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>

#include "base/log.hpp"
#include "conf/names.hpp"
#include "proxyd/proxies/registry.hpp"

namespace proxyd {

namespace {

/// Descriptors that no session may take: logs, links, control, timers (L-28).
constexpr std::size_t reserve = 64;
/// So many sockets of each group are there before the first client is; more come on demand.
constexpr std::size_t first_sockets = 1024;
/// Reloads that may wait for a REG that takes them over.
constexpr std::size_t most_past = 16;

std::size_t raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

std::size_t places_for(const conf::Config& config) {
    return session::places_for(config.udpserver.max_sessions, config.udpserver.workers);
}

std::size_t listening_sockets(const conf::Config& config) {
    std::size_t count = 0;
    for (const conf::ListenOn& entry : config.listen_on)
        count += entry.port.last - entry.port.first + 1u;
    return count * config.udpserver.workers;
}

std::size_t first_count(const conf::Config& config, std::size_t groups, std::size_t pool_capacity) {
    const std::size_t shares = std::max<std::size_t>(1, groups * config.udpserver.workers);
    // Where there are several, half is left for those that will need it.
    const std::size_t share = shares == 1 ? pool_capacity : pool_capacity / (2 * shares);
    return std::min(first_sockets, std::max<std::size_t>(1, share));
}

void fill_group(net::SocketPool& pool, std::size_t group, unsigned worker, std::size_t wanted) {
    for (std::size_t made = 0; made < wanted;) {
        const net::SocketPool::Chunk chunk = pool.grow(group, worker, wanted - made);
        made += chunk.count;
        // A group that cannot have a single socket is a mistake of the configuration: say so now. Unless only
        // names might need it: on a machine without IPv6 they just have no servers there.
        if (made == 0 && !pool.groups()[group].optional)
            throw std::runtime_error("server-side sockets: " + chunk.problem);
        if (chunk.error != 0) return;
    }
}

/// The groups from `first` on.
void fill(net::SocketPool& pool, const conf::Config& config, std::size_t first = 0) {
    const std::size_t wanted = first_count(config, pool.groups().size(), pool.capacity());
    for (std::size_t group = first; group < pool.groups().size(); ++group) {
        for (unsigned worker = 0; worker < config.udpserver.workers; ++worker)
            fill_group(pool, group, worker, wanted);
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
      arena(session::Arena::create(places_for(config), pool.capacity())),
      names(conf::names(config)),
      workers_(config.udpserver.workers) {
    fill(pool, config);
}

namespace {

net::ListenerSet listeners_of(const Handover& handover) {
    std::vector<net::ListenerSet::Entry> entries;
    for (const Handover::Listener& left : handover.listeners) {
        net::ListenerSet::Entry& entry = entries.emplace_back();
        entry.configured = left.configured;
        for (const int socket : left.sockets)
            entry.sockets.push_back(net::Listener::from_descriptor(socket, true));
    }
    return {handover.workers, net::Steering(handover.steering_seed), std::move(entries)};
}

net::SocketPool pool_of(const Handover& handover) {
    std::vector<net::SocketPool::Socket> sockets;
    for (const Handover::PoolSocket& socket : handover.sockets)
        sockets.push_back({base::UniqueFd(socket.descriptor), socket.group, socket.worker});
    return {handover.groups, handover.pool_capacity, handover.workers,
            net::DeafFilter(base::UniqueFd(handover.filter)), std::move(sockets)};
}

/// Without one that this program can read: the sockets are the same, so they must rest before they serve
/// anybody.
session::Arena arena_of(const Handover& handover, const conf::Config& config, const net::SocketPool& pool) {
    if (!handover.arena)
        return session::Arena::create(places_for(config), pool.capacity(), session::Arena::Content::awaited);
    const Handover::Arena& left = *handover.arena;
    return session::Arena::from_descriptor(base::UniqueFd(left.descriptor), left.session_places,
                                           left.socket_places);
}

}  // namespace

Resources::Resources(const conf::Config& config, const Handover& handover)
    : listeners(listeners_of(handover)),
      pool(pool_of(handover)),
      arena(arena_of(handover, config, pool)),
      names(conf::names(config)),
      workers_(handover.workers) {
    history.epoch = handover.epoch;
    for (const auto& [name, addresses] : handover.names)
        names.apply({name, false, addresses});
    if (handover.arena) return;
    // Those that there are rest first; where there are no more ports, or no more descriptors, new clients
    // wait for them.
    used_sockets_ = pool.sockets().size();
    for (std::size_t group = 0; group < pool.groups().size(); ++group)
        for (unsigned worker = 0; worker < workers_; ++worker)
            static_cast<void>(pool.grow(group, worker, net::SocketPool::chunk_size));
}

void Resources::leave_to(Handover& handover, bool with_sessions) const {
    handover.workers = workers_;
    handover.steering_seed = listeners.steering().seed();
    for (const net::ListenerSet::Entry& entry : listeners.entries()) {
        Handover::Listener& left = handover.listeners.emplace_back();
        left.configured = entry.configured;
        for (const net::Listener& socket : entry.sockets)
            left.sockets.push_back(socket.descriptor());
    }
    handover.pool_capacity = pool.capacity();
    handover.groups = pool.groups();
    handover.filter = pool.filter().descriptor();
    for (const net::SocketPool::Socket& socket : pool.sockets())
        handover.sockets.push_back({socket.fd.get(), socket.group, socket.worker});
    if (with_sessions)
        handover.arena = {.descriptor = arena.descriptor(),
                          .session_places = arena.session_places(),
                          .socket_places = arena.socket_places()};
    handover.names = names.resolved();
}

void Resources::prepare_pool(const conf::Config& config) {
    const std::size_t groups = pool.groups().size();
    pool.set_workers(config.udpserver.workers);
    pool.add_groups(net::pool_groups(config));
    const std::size_t added = pool.groups().size() - groups;
    // The groups that nobody needs any more keep their sockets, and must not keep the others out.
    const std::size_t needed = pool.sockets().size() + added * config.udpserver.workers * first_sockets;
    std::size_t allowed = capacity(config);
    if (fits_arena(config)) allowed = std::min(allowed, arena.socket_places());
    pool.set_capacity(
        added > 0 ? std::max(allowed, std::min(needed, capacity(config) + pool.sockets().size())) : allowed);
    fill(pool, config, groups);
}

Resources::Change Resources::prepare(const conf::Config& config) {
    if (history.past.size() >= most_past)
        throw std::runtime_error("REG has not taken over the last " + std::to_string(most_past) +
                                 " configurations yet; look for its errors in the log");
    const std::size_t groups = pool.groups().size(), sockets = pool.sockets().size(),
                      before = pool.capacity();
    try {
        Change change{.listeners = listeners.prepare(config)};
        prepare_pool(config);
        change.workers = config.udpserver.workers;
        if (!fits_arena(config) || pool.capacity() > arena.socket_places())
            change.arena.emplace(session::Arena::create(places_for(config), pool.capacity(),
                                                        session::Arena::Content::awaited));
        return change;
    } catch (...) {
        pool.set_workers(workers_);
        pool.cut_back(groups, sockets);
        pool.set_capacity(before);
        throw;
    }
}

void Resources::apply(Change change, std::shared_ptr<const conf::Config> before) {
    session::PastPolicy& past = history.past.emplace_back();
    past.epoch = history.epoch++;
    past.config = std::move(before);
    for (std::size_t i = 0; i < listeners.size(); ++i)
        past.listeners.push_back(listeners.local(i));
    listeners.apply(std::move(change.listeners));
    workers_ = change.workers;
    if (!change.arena) return;
    std::swap(arena, *change.arena);
    older_arenas.push_back(std::move(*change.arena));
}

void Resources::forget_past() {
    history.past.clear();
    older_arenas.clear();
    listeners.close_leftovers();
}

/// Which places belong to which worker depends on how many there are of both.
bool Resources::fits_arena(const conf::Config& config) const {
    return config.udpserver.workers == workers_ && places_for(config) == arena.session_places();
}

std::vector<int> Resources::descriptors() const {
    std::vector<int> result = listeners.descriptors();
    for (const net::SocketPool::Socket& socket : pool.sockets())
        result.push_back(socket.fd.get());
    result.push_back(pool.filter().descriptor());
    result.push_back(arena.descriptor());
    for (const session::Arena& older : older_arenas)
        result.push_back(older.descriptor());
    return result;
}

std::vector<std::string> Resources::listener_texts() const {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < listeners.size(); ++i)
        texts.push_back(base::to_string(listeners.local(i)));
    return texts;
}

void Resources::log_listeners() const {
    constexpr std::size_t most = 4;
    const std::vector<std::string> texts = listener_texts();
    std::string where;
    for (std::size_t i = 0; i < texts.size() && i < most; ++i)
        where += (i > 0 ? ", " : "") + texts[i];
    if (texts.size() > most) where += " and " + std::to_string(texts.size() - most) + " more";
    base::log::write(base::msg::proxy_started, "serving on {}", where);
}

session::Server::Parts Resources::server_parts(const conf::Config& config, session::SocketSource& source,
                                               session::LookupSource* lookups) {
    return {.config = config,
            .listeners = listeners,
            .pool = pool,
            .arena = arena,
            .make_proxy = proxies::make,
            .source = source,
            .lookups = lookups,
            .older_arenas = &older_arenas,
            .history = &history,
            .used_sockets = used_sockets_};
}

void Resources::warn_if_short(const conf::Config& config) const {
    if (pool.capacity() >= config.udpserver.max_sessions) return;
    base::log::write(base::msg::descriptors_short,
                     "max-sessions is {}, but the limit of open files allows only {} server-side sockets",
                     config.udpserver.max_sessions, pool.capacity());
}

}  // namespace proxyd
