#include "proxyd/kept_state.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>

#include "base/log.hpp"
#include "proxyd/ceiling.hpp"
#include "proxyd/proxies/registry.hpp"
#include "proxyd/shared_side.hpp"

namespace proxyd {

namespace {

/// Descriptors for logs, links, control and timers, which no session may use (L-28).
constexpr std::size_t reserved_descriptors = 64;
/// Sockets of each group that are opened in advance; more follow on demand.
constexpr std::size_t first_sockets = 1024;
/// Reloads that may wait for a REG that adopts.
constexpr std::size_t max_past = 16;

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

std::size_t first_count(const conf::Config& config, std::size_t groups, std::size_t capacity) {
    const std::size_t shares = std::max<std::size_t>(1, groups * config.udpserver.workers);
    // With several groups or workers, half stays free for those that need more.
    const std::size_t share = shares == 1 ? capacity : capacity / (2 * shares);
    return std::min(first_sockets, std::max<std::size_t>(1, share));
}

void fill_group(net::SocketPool& pool, std::size_t group, unsigned worker, std::size_t wanted) {
    for (std::size_t made = 0; made < wanted;) {
        const net::SocketPool::Chunk chunk = pool.grow(group, worker, wanted - made);
        made += chunk.count;
        // A group without any socket is an error of the configuration. An optional one is only for names: on
        // a machine without IPv6 these have no servers there.
        if (made == 0 && !pool.groups()[group].optional)
            throw std::runtime_error("server-side sockets: " + chunk.problem);
        if (chunk.error != 0) return;
    }
}

/// Groups that share a range of ports leave half of it to each other.
std::size_t share_of_ports(const net::SocketPool& pool, std::size_t group) {
    const net::PoolGroup& own = pool.groups()[group];
    const auto shares = std::ranges::count_if(pool.groups(), [&own](const net::PoolGroup& other) {
        return own.ports && has_same_ports(own, other);
    });
    const std::size_t ports = pool.ports_of(group);
    return shares <= 1 ? ports : std::max<std::size_t>(1, ports / (2 * static_cast<std::size_t>(shares)));
}

/// The groups from `first` on.
void fill(net::SocketPool& pool, const conf::Config& config, std::size_t first = 0) {
    const std::size_t wanted = first_count(config, pool.groups().size(), pool.capacity());
    for (std::size_t group = first; group < pool.groups().size(); ++group) {
        for (unsigned worker = 0; worker < config.udpserver.workers; ++worker)
            fill_group(pool, group, worker, std::min(wanted, share_of_ports(pool, group)));
    }
}

/// How many pool sockets the limit of open files allows.
std::size_t pool_capacity(const conf::Config& config) {
    const std::size_t limit = raise_descriptor_limit();
    const std::size_t listening = listening_sockets(config);
    if (listening + 2 * reserved_descriptors > limit) {
        throw std::runtime_error("listen-on: " + std::to_string(listening) +
                                 " listening sockets need at least " +
                                 std::to_string(listening + 2 * reserved_descriptors) +
                                 " open files, but this process may open only " + std::to_string(limit) +
                                 ": raise the limit of open files (LimitNOFILE=, ulimit -n), or listen on "
                                 "fewer ports");
    }
    return net::pool_capacity(config.udpserver.max_sessions, listening + reserved_descriptors, limit);
}

/// The capacity comes first, so that a low limit is reported as such instead of as EMFILE.
KeptState::Sockets open_sockets(const conf::Config& config) {
    const bool may_be_own = config.udpserver.server_side != conf::ServerSide::shared;
    const std::size_t capacity = may_be_own ? pool_capacity(config) : 0;
    net::ListenerSet listeners(config);
    ServerSideChoice side = choose_server_side(config);
    return {std::move(listeners),
            net::SocketPool(net::pool_groups(config), side.shared ? 0 : capacity, config.udpserver.workers),
            std::move(side.shared), std::move(side.why_own)};
}

std::unique_ptr<net::SharedSide> shared_of(const Handover& handover, const conf::Config& config) {
    if (handover.shared.empty()) return nullptr;
    if (handover.shared_version != net::SharedSide::version)
        throw std::runtime_error(
            "server-side: shared: the other program has another version of it: restart proxyd");
    return std::make_unique<net::SharedSide>(handover.groups, config.udpserver.server_ports, handover.shared);
}

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
            net::MuteFilter(base::UniqueFd(handover.filter)), std::move(sockets)};
}

/// Without an arena that this program can read, the pool sockets are still the old ones, so they must be
/// quarantined before use.
session::Arena arena_of(const Handover& handover, const conf::Config& config, std::size_t socket_places) {
    if (!handover.arena)
        return session::Arena::create(places_for(config), socket_places, session::Arena::Content::awaited);
    const Handover::Arena& left = *handover.arena;
    return session::Arena::from_descriptor(base::UniqueFd(left.descriptor), left.session_places,
                                           left.socket_places);
}

}  // namespace

KeptState::KeptState(const conf::Config& config)
    : sockets(open_sockets(config)),
      sessions{session::Arena::create(places_for(config), socket_places())},
      workers_(config.udpserver.workers) {
    sockets.pool.set_ports(net::SourcePorts(config.listen_on));
    if (!sockets.shared) fill(sockets.pool, config);
}

KeptState::KeptState(const conf::Config& config, const Handover& handover)
    : sockets{listeners_of(handover), pool_of(handover), shared_of(handover, config), {}},
      sessions{arena_of(handover, config, socket_places())},
      workers_(handover.workers) {
    sockets.pool.set_ports(net::SourcePorts(config.listen_on));
    sessions.history.epoch = handover.epoch;
    if (handover.arena) return;
    // The old sockets are quarantined first; if there are no more ports or descriptors, new clients wait for
    // them.
    used_sockets_ = sockets.shared ? socket_places() : sockets.pool.sockets().size();
    if (sockets.shared) return;
    for (std::size_t group = 0; group < sockets.pool.groups().size(); ++group)
        for (unsigned worker = 0; worker < workers_; ++worker)
            static_cast<void>(sockets.pool.grow(group, worker, net::SocketPool::chunk_size));
}

void KeptState::leave_to(Handover& handover, bool with_sessions) const {
    handover.workers = workers_;
    handover.steering_seed = sockets.listeners.steering().seed();
    for (const net::ListenerSet::Entry& entry : sockets.listeners.entries()) {
        Handover::Listener& left = handover.listeners.emplace_back();
        left.configured = entry.configured;
        for (const net::Listener& socket : entry.sockets)
            left.sockets.push_back(socket.descriptor());
    }
    handover.pool_capacity = sockets.pool.capacity();
    handover.groups = sockets.pool.groups();
    handover.filter = sockets.pool.filter().descriptor();
    for (const net::SocketPool::Socket& socket : sockets.pool.sockets())
        handover.sockets.push_back({socket.fd.get(), socket.group, socket.worker});
    if (sockets.shared) {
        handover.shared_version = net::SharedSide::version;
        handover.shared = sockets.shared->descriptors();
    }
    if (with_sessions)
        handover.arena = {.descriptor = sessions.arena.descriptor(),
                          .session_places = sessions.arena.session_places(),
                          .socket_places = sessions.arena.socket_places()};
    handover.epoch = sessions.history.epoch;
}

void KeptState::prepare_shared(const conf::Config& config) {
    check_change(*sockets.shared, sockets.pool.groups(), config);
    sockets.shared->set_workers(config.udpserver.workers);
}

void KeptState::prepare_pool(const conf::Config& config) {
    if (sockets.shared) return prepare_shared(config);
    net::SocketPool& pool = sockets.pool;
    pool.set_ports(net::SourcePorts(config.listen_on));
    const std::size_t groups = pool.groups().size();
    pool.set_workers(config.udpserver.workers);
    pool.add_groups(net::pool_groups(config));
    const std::size_t added = pool.groups().size() - groups;
    // Groups that are no longer used keep their sockets, and must leave room for the others.
    const std::size_t needed = pool.sockets().size() + added * config.udpserver.workers * first_sockets;
    const std::size_t possible = pool_capacity(config);
    const std::size_t allowed =
        fits_arena(config) ? std::min(possible, sessions.arena.socket_places()) : possible;
    pool.set_capacity(added > 0 ? std::max(allowed, std::min(needed, possible + pool.sockets().size()))
                                : allowed);
    fill(pool, config, groups);
}

/// Of the pool or of the ports, in the arena.
std::size_t KeptState::socket_places() const {
    return sockets.shared ? sockets.shared->plan().size() : sockets.pool.capacity();
}

std::unique_ptr<net::NetworkMonitor> KeptState::follow_addresses(boost::asio::io_context& io) {
    if (!sockets.shared) return nullptr;
    auto monitor = std::make_unique<net::NetworkMonitor>(
        io, net::NetworkMonitor::open_socket(), [this] { set_addresses(*sockets.shared); },
        base::Duration(0));
    set_addresses(*sockets.shared);  // what has changed before
    return monitor;
}

KeptState::Change KeptState::prepare(const conf::Config& config) {
    if (sessions.history.past.size() >= max_past)
        throw std::runtime_error("REG has not adopted the sessions since " + std::to_string(max_past) +
                                 " reloads; see its errors in the log");
    net::SocketPool& pool = sockets.pool;
    const std::size_t groups_before = pool.groups().size(), sockets_before = pool.sockets().size(),
                      capacity_before = pool.capacity();
    try {
        Change change{.listeners = sockets.listeners.prepare(config)};
        prepare_pool(config);
        change.workers = config.udpserver.workers;
        if (!fits_arena(config) || socket_places() > sessions.arena.socket_places())
            change.arena.emplace(session::Arena::create(places_for(config), socket_places(),
                                                        session::Arena::Content::awaited));
        return change;
    } catch (...) {
        pool.set_workers(workers_);
        pool.cut_back(groups_before, sockets_before);
        pool.set_capacity(capacity_before);
        throw;
    }
}

void KeptState::apply(Change change, std::shared_ptr<const conf::Config> before) {
    session::PastPolicy& past = sessions.history.past.emplace_back();
    past.epoch = sessions.history.epoch++;
    past.config = std::move(before);
    for (std::size_t i = 0; i < sockets.listeners.size(); ++i)
        past.listeners.push_back(sockets.listeners.local(i));
    sockets.listeners.apply(std::move(change.listeners));
    workers_ = change.workers;
    if (!change.arena) return;
    std::swap(sessions.arena, *change.arena);
    sessions.older_arenas.push_back(std::move(*change.arena));
}

void KeptState::freeze_pool(bool on) {
    if (on) thawed_capacity_ = sockets.pool.capacity();
    sockets.pool.set_capacity(on ? sockets.pool.sockets().size() : thawed_capacity_);
}

void KeptState::forget_past() {
    sessions.history.past.clear();
    sessions.older_arenas.clear();
    sockets.listeners.close_leftovers();
}

/// A worker's share of the arena depends on the numbers of workers and of places.
bool KeptState::fits_arena(const conf::Config& config) const {
    return config.udpserver.workers == workers_ && places_for(config) == sessions.arena.session_places();
}

std::vector<int> KeptState::descriptors() const {
    std::vector<int> result = sockets.listeners.descriptors();
    for (const net::SocketPool::Socket& socket : sockets.pool.sockets())
        result.push_back(socket.fd.get());
    if (sockets.shared) {
        const std::vector<int> shared = sockets.shared->sockets().all();
        result.insert(result.end(), shared.begin(), shared.end());
    }
    result.push_back(sockets.pool.filter().descriptor());
    result.push_back(sessions.arena.descriptor());
    for (const session::Arena& older : sessions.older_arenas)
        result.push_back(older.descriptor());
    return result;
}

std::string KeptState::server_side() const {
    if (sockets.shared)
        return "shared: a socket for all sessions of a worker, " + std::to_string(socket_places()) +
               " source ports" + losses_of(*sockets.shared);
    const std::string own = "own: a socket for each session";
    return sockets.why_own.empty() ? own : own + ", because shared is not possible: " + sockets.why_own;
}

std::vector<std::string> KeptState::listener_texts() const {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < sockets.listeners.size(); ++i)
        texts.push_back(base::to_string(sockets.listeners.local(i)));
    return texts;
}

void KeptState::log_listeners() const {
    constexpr std::size_t max_shown = 4;
    const std::vector<std::string> texts = listener_texts();
    std::string where;
    for (std::size_t i = 0; i < texts.size() && i < max_shown; ++i)
        where += (i > 0 ? ", " : "") + texts[i];
    if (texts.size() > max_shown) where += " and " + std::to_string(texts.size() - max_shown) + " more";
    base::log::write(base::msg::proxy_started, "serving on {}", where);
}

session::Server::Parts KeptState::server_parts(const conf::Config& config, session::SocketSource& source,
                                               session::LookupSource look_up) {
    return {.config = config,
            .listeners = sockets.listeners,
            .pool = sockets.pool,
            .arena = sessions.arena,
            .make_proxy = proxies::make,
            .source = source,
            .look_up = std::move(look_up),
            .older_arenas = &sessions.older_arenas,
            .history = &sessions.history,
            .shared = sockets.shared.get(),
            .used_sockets = used_sockets_};
}

std::vector<std::string> KeptState::ceiling_texts(const conf::Config& config) const {
    std::vector<std::string> texts;
    const std::vector<net::PoolGroup>& groups = sockets.pool.groups();
    for (const net::PoolGroup& group : net::pool_groups(config)) {
        const auto found = std::ranges::find(groups, group);
        if (found == groups.end()) continue;
        const auto index = static_cast<std::size_t>(found - groups.begin());
        const std::size_t most = sockets.shared
                                     ? sockets.shared->usable_of(index)
                                     : std::min(sockets.pool.ports_of(index), sockets.pool.capacity());
        texts.push_back(
            ceiling_text(sockets.shared ? "ports" : "sockets", group, most, config.udpserver.quarantine));
    }
    return texts;
}

void KeptState::log_ceilings(const conf::Config& config) const {
    for (const std::string& text : ceiling_texts(config))
        base::log::write(base::msg::ceiling, "{}", text);
    if (sockets.shared || sockets.pool.capacity() >= config.udpserver.max_sessions) return;
    base::log::write(base::msg::descriptors_short,
                     "max-sessions is {}, but the limit of open files allows only {} server-side sockets",
                     config.udpserver.max_sessions, sockets.pool.capacity());
}

}  // namespace proxyd
