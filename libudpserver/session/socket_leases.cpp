#include "libudpserver/session/socket_leases.hpp"

#include <algorithm>
#include <atomic>

#include "libudpserver/net/udp_socket.hpp"

namespace session {

namespace {

/// How many sockets a lease may find to be spoken to before it gives up for this datagram.
constexpr int lease_attempts = 16;
/// How many are looked at to tell whether a lease would succeed.
constexpr std::size_t looked_at = 64;

/// Keeps the compiler from moving the socket's system calls and the notes about them past each other: a REG
/// may die between any two instructions, and the next one believes the notes.
void note(PoolEntry& entry, PoolEntry::State state) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    entry.state = state;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

SocketLeases::SocketLeases(std::span<PoolEntry> entries, std::size_t groups, const net::DeafFilter& filter,
                           Duration quarantine, AddToPoller add_to_poller)
    : entries_(entries),
      filter_(filter),
      quarantine_(quarantine),
      add_to_poller_(std::move(add_to_poller)),
      sockets_(entries.size()),
      free_(groups),
      random_(std::random_device{}()) {
    // Room for all sockets now, so that giving one back never allocates.
    resting_.reserve(entries.size());
    for (std::vector<Slot>& free : free_)
        free.reserve(entries.size());
}

bool SocketLeases::add(Slot place, int fd, std::size_t group) {
    if (place >= entries_.size() || group >= free_.size() || sockets_[place].fd >= 0) return false;
    sockets_[place] = {.fd = fd, .group = static_cast<std::uint16_t>(group)};
    ++count_;
    if (entries_[place].state == PoolEntry::State::idle) lay_down(place, entries_[place].rest_until);
    add_to_poller_(fd, place);
    return true;
}

Slot SocketLeases::lease(std::size_t group, Slot session, Instant now) {
    for (int attempt = 0; attempt < lease_attempts && available(group, now) > 0; ++attempt) {
        const Slot place = take_random(group);
        if (spoken_to(place)) {
            // The last server still talks to it, and means its last client.
            entries_[place].rest_until = now + quarantine_;
            lay_down(place, now + quarantine_);
            continue;
        }
        entries_[place].session = session;
        note(entries_[place], PoolEntry::State::leased);
        return place;
    }
    return none;
}

/// A socket that never served has no last server: what comes to it is a port scan, and no reason to rest.
bool SocketLeases::spoken_to(Slot place) const {
    return entries_[place].rest_until != Instant{} &&
           net::dropped(sockets_[place].fd) != sockets_[place].dropped;
}

Slot SocketLeases::take_random(std::size_t group) {
    // Random, so that the source port of the next session cannot be foretold.
    std::vector<Slot>& free = free_[group];
    std::swap(free[std::uniform_int_distribution<std::size_t>(0, free.size() - 1)(random_)], free.back());
    const Slot place = free.back();
    free.pop_back();
    return place;
}

int SocketLeases::open(Slot place, const Endpoint& server, bool connected) {
    const int fd = sockets_[place].fd;
    net::disconnect_socket(fd);  // from the last server
    if (connected) {
        if (const int error = net::connect_socket(fd, server); error != 0) return error;
    }
    net::drain(fd);  // whatever closed ears may have let through, were it only by a race in the kernel
    return net::open_ears(fd);
}

std::uint32_t SocketLeases::give_back(Slot place, Instant rest_until) {
    PoolEntry& entry = entries_[place];
    const int fd = sockets_[place].fd;
    const std::uint32_t lost = net::dropped(fd) - sockets_[place].dropped;
    note(entry, PoolEntry::State::returning);
    // It stays connected: so only its last server can speak to it while it rests. Were it open to all, a scan
    // of the ports, twice a minute, would keep every socket at rest and every new client out.
    const int error = filter_.close_ears(fd);
    net::drain(fd);
    // One that still hears must not serve anybody else: it is left as it is, for the next REG to try again.
    if (error != 0) return lost;
    entry.session = none;
    entry.rest_until = rest_until;
    note(entry, PoolEntry::State::idle);
    lay_down(place, rest_until);
    return lost;
}

bool SocketLeases::claim(Slot place, Slot session, std::size_t group, const Endpoint& server,
                         bool connected) {
    if (place >= sockets_.size() || sockets_[place].fd < 0) return false;
    Socket& socket = sockets_[place];
    const PoolEntry& entry = entries_[place];
    if (socket.claimed || socket.group != group) return false;
    if (entry.state != PoolEntry::State::leased || entry.session != session) return false;
    const std::optional<Endpoint> peer = net::peer_endpoint(socket.fd);
    if (connected ? peer != server : peer.has_value()) return false;
    if (net::open_ears(socket.fd) != 0) return false;
    socket.claimed = true;
    socket.dropped = net::dropped(socket.fd);
    return true;
}

std::size_t SocketLeases::group_of(Slot place) const {
    const bool there = place < sockets_.size() && sockets_[place].fd >= 0;
    return there ? sockets_[place].group : free_.size();
}

void SocketLeases::reclaim_rest(Instant rest_until) {
    for (Slot place = 0; place < sockets_.size(); ++place) {
        const bool idle = entries_[place].state == PoolEntry::State::idle;
        if (sockets_[place].fd >= 0 && !sockets_[place].claimed && !idle) give_back(place, rest_until);
        sockets_[place].claimed = false;
    }
}

Slot SocketLeases::session_of(Slot place) const {
    if (place >= entries_.size() || entries_[place].state != PoolEntry::State::leased) return none;
    return entries_[place].session;
}

std::size_t SocketLeases::available(std::size_t group, Instant now) {
    wake_rested(now);
    return free_[group].size();
}

bool SocketLeases::can_lease(std::size_t group, Instant now) {
    wake_rested(now);
    const std::vector<Slot>& free = free_[group];
    const std::size_t most = std::min(free.size(), looked_at);
    return std::any_of(free.begin(), free.begin() + static_cast<std::ptrdiff_t>(most),
                       [this](Slot place) { return !spoken_to(place); });
}

std::vector<SocketUse> SocketLeases::use(Instant now) {
    wake_rested(now);
    std::vector<SocketUse> use(free_.size());
    for (std::size_t group = 0; group < free_.size(); ++group)
        use[group].free = free_[group].size();
    for (const Resting& resting : resting_)
        ++use[sockets_[resting.place].group].resting;
    for (const Socket& socket : sockets_)
        if (socket.fd >= 0) ++use[socket.group].all;
    return use;
}

void SocketLeases::wake_rested(Instant now) {
    while (!resting_.empty() && resting_.front().until <= now) {
        std::ranges::pop_heap(resting_, std::greater<>());
        const Slot place = resting_.back().place;
        resting_.pop_back();
        free_[sockets_[place].group].push_back(place);
    }
}

void SocketLeases::lay_down(Slot place, Instant until) {
    sockets_[place].dropped = net::dropped(sockets_[place].fd);
    resting_.push_back({until, place});
    std::ranges::push_heap(resting_, std::greater<>());
}

}  // namespace session
