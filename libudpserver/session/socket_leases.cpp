#include "libudpserver/session/socket_leases.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "libudpserver/net/udp_socket.hpp"

namespace session {

namespace {

/// How many sockets a lease may find that received something before it fails for this datagram.
constexpr int max_lease_attempts = 16;
/// How many sockets can_lease() looks at.
constexpr std::size_t max_looked_at = 64;

/// Keeps the compiler from moving the socket's system calls and the notes about them past each other: a REG
/// may die between any two instructions, and the next one believes the notes.
void note(PoolEntry& entry, PoolEntry::State state) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    entry.state = state;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

SocketLeases::SocketLeases(std::span<PoolEntry> entries, std::size_t groups, const net::MuteFilter& filter,
                           Duration quarantine, AddToPoller add_to_poller)
    : entries_(entries),
      filter_(filter),
      quarantine_(quarantine),
      add_to_poller_(std::move(add_to_poller)),
      sockets_(entries.size()),
      free_(groups),
      counts_(groups),
      random_(std::random_device{}()) {
    // Room for all sockets now, so that giving one back never allocates.
    quarantined_.reserve(entries.size());
    for (std::vector<SocketIndex>& free : free_)
        free.reserve(entries.size());
}

bool SocketLeases::add(SocketIndex index, int fd, std::size_t group, bool is_new) {
    if (index_of(index) >= entries_.size() || group >= free_.size() || has(index)) return false;
    sockets_[index_of(index)] = {.fd = fd, .group = static_cast<std::uint16_t>(group)};
    ++count_;
    ++counts_[group];
    PoolEntry& entry = entries_[index_of(index)];
    if (is_new) entry = {};
    if (entry.state == PoolEntry::State::idle) quarantine(index, entry.quarantined_until);
    add_to_poller_(fd, index);
    return true;
}

SocketIndex SocketLeases::lease(std::size_t group, Slot session, Instant now) {
    for (int attempt = 0; attempt < max_lease_attempts && available(group, now) > 0; ++attempt) {
        const SocketIndex index = take_random(group);
        PoolEntry& entry = entries_[index_of(index)];
        if (received_while_idle(index)) {
            // The last server still sends to it, and means its last client.
            entry.quarantined_until = now + quarantine_;
            quarantine(index, entry.quarantined_until);
            continue;
        }
        entry.session = session;
        note(entry, PoolEntry::State::leased);
        return index;
    }
    return no_socket;
}

/// A socket that never served has no last server: what comes to it is a port scan, and no reason to wait.
bool SocketLeases::received_while_idle(SocketIndex index) const {
    const Socket& socket = sockets_[index_of(index)];
    return entries_[index_of(index)].quarantined_until != Instant{} &&
           net::dropped(socket.fd) != socket.dropped;
}

SocketIndex SocketLeases::take_random(std::size_t group) {
    // Random, so that the source port of the next session cannot be predicted.
    std::vector<SocketIndex>& free = free_[group];
    std::swap(free[std::uniform_int_distribution<std::size_t>(0, free.size() - 1)(random_)], free.back());
    const SocketIndex index = free.back();
    free.pop_back();
    return index;
}

int SocketLeases::open(SocketIndex index, const Endpoint& server, bool connected) {
    const int fd = descriptor(index);
    net::disconnect_socket(fd);  // from the last server
    if (connected) {
        if (const int error = net::connect_socket(fd, server); error != 0) return error;
    }
    net::drain(fd);  // what the filter may have let through, were it only by a race in the kernel
    return net::unmute(fd);
}

std::uint32_t SocketLeases::give_back(SocketIndex index, Instant quarantined_until) {
    PoolEntry& entry = entries_[index_of(index)];
    const int fd = descriptor(index);
    const std::uint32_t lost = net::dropped(fd) - sockets_[index_of(index)].dropped;
    note(entry, PoolEntry::State::returning);
    // It stays connected: so only its last server can send to it in quarantine. Were it open to all, a scan
    // of the ports, twice a minute, would keep every socket in quarantine and every new client out.
    const int error = filter_.mute(fd);
    net::drain(fd);
    // A socket that is not muted must not serve another client: it is left to the next REG.
    if (error != 0) return lost;
    entry.session = none;
    entry.quarantined_until = quarantined_until;
    note(entry, PoolEntry::State::idle);
    quarantine(index, quarantined_until);
    return lost;
}

bool SocketLeases::claim(SocketIndex index, Slot session, std::size_t group, const Endpoint& server,
                         bool connected) {
    if (!has(index)) return false;
    Socket& socket = sockets_[index_of(index)];
    const PoolEntry& entry = entries_[index_of(index)];
    if (socket.claimed || socket.group != group) return false;
    if (entry.state != PoolEntry::State::leased || entry.session != session) return false;
    const std::optional<Endpoint> peer = net::peer_endpoint(socket.fd);
    if (connected ? peer != server : peer.has_value()) return false;
    if (net::unmute(socket.fd) != 0) return false;
    socket.claimed = true;
    socket.dropped = net::dropped(socket.fd);
    return true;
}

std::size_t SocketLeases::group_of(SocketIndex index) const {
    return has(index) ? sockets_[index_of(index)].group : free_.size();
}

void SocketLeases::reclaim_unclaimed(Instant quarantined_until, bool fresh) {
    // The heap stays one: it is rebuilt from the entries that are believed.
    quarantined_.clear();
    for (std::vector<SocketIndex>& free : free_)
        free.clear();
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        const SocketIndex index{static_cast<std::uint32_t>(i)};
        if (!has(index)) continue;
        const bool is_claimed = std::exchange(sockets_[i].claimed, false);
        if (is_claimed) continue;
        if (is_idle(index, fresh)) {
            PoolEntry& entry = entries_[i];
            entry.quarantined_until = std::min(entry.quarantined_until, quarantined_until);
            quarantine(index, entry.quarantined_until);
        } else {
            give_back(index, quarantined_until);
        }
    }
}

bool SocketLeases::is_idle(SocketIndex index, bool fresh) const {
    const PoolEntry& entry = entries_[index_of(index)];
    const int fd = descriptor(index);
    if (entry.state != PoolEntry::State::idle || !net::is_muted(fd)) return false;
    // A socket that is connected has served, whatever a crashed REG left in its entry.
    const bool never_served = entry.quarantined_until == Instant{};
    return never_served ? !net::peer_endpoint(fd) : !fresh;
}

Slot SocketLeases::session_of(SocketIndex index) const {
    if (index_of(index) >= entries_.size()) return none;
    const PoolEntry& entry = entries_[index_of(index)];
    return entry.state == PoolEntry::State::leased ? entry.session : none;
}

std::size_t SocketLeases::available(std::size_t group, Instant now) {
    end_quarantines(now);
    return free_[group].size();
}

bool SocketLeases::can_lease(std::size_t group, Instant now) {
    end_quarantines(now);
    const std::span<const SocketIndex> free = free_[group];
    return std::ranges::any_of(free.first(std::min(free.size(), max_looked_at)),
                               [this](SocketIndex index) { return !received_while_idle(index); });
}

std::vector<SocketUse> SocketLeases::use(Instant now) {
    end_quarantines(now);
    std::vector<SocketUse> use(free_.size());
    for (std::size_t group = 0; group < free_.size(); ++group)
        use[group].free = free_[group].size();
    for (const Quarantined& quarantined : quarantined_)
        ++use[sockets_[index_of(quarantined.index)].group].quarantined;
    for (const Socket& socket : sockets_)
        if (socket.fd >= 0) ++use[socket.group].all;
    return use;
}

void SocketLeases::end_quarantines(Instant now) {
    while (!quarantined_.empty() && quarantined_.front().until <= now) {
        std::ranges::pop_heap(quarantined_, std::greater<>());
        const SocketIndex index = quarantined_.back().index;
        quarantined_.pop_back();
        free_[sockets_[index_of(index)].group].push_back(index);
    }
}

void SocketLeases::quarantine(SocketIndex index, Instant until) {
    sockets_[index_of(index)].dropped = net::dropped(descriptor(index));
    quarantined_.push_back({until, index});
    std::ranges::push_heap(quarantined_, std::greater<>());
}

}  // namespace session
