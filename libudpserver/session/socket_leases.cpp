#include "libudpserver/session/socket_leases.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

namespace session {

namespace {

/// How many sockets a lease may find that received something before it fails for this datagram.
constexpr int max_lease_attempts = 16;
/// How many sockets can_lease() looks at.
constexpr std::size_t max_looked_at = 64;
/// How many sockets whose quarantine ends are asked at once whether they received something.
constexpr std::size_t max_asked = 256;

/// Tells servers apart: equal ones have equal marks, whether or not the interface of a link-local one is
/// known. Different ones that have the same are taken for one, which only costs a socket.
std::uint64_t mark_of(const Endpoint& server) {
    constexpr std::uint64_t prime = 0x100000001b3;
    std::uint64_t mark = 0xcbf29ce484222325;
    for (const std::uint8_t byte : server.bytes)
        mark = (mark ^ byte) * prime;
    return (mark ^ server.port) * prime | 1;
}

/// Keeps the compiler from moving the socket's system calls and the notes about them past each other: a REG
/// may die between any two instructions, and the next one believes the notes.
void note(PoolEntry& entry, PoolEntry::State state) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    entry.state = state;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace

SocketLeases::SocketLeases(std::span<PoolEntry> entries, std::size_t groups, net::ServerSide& side,
                           Duration quarantine)
    : entries_(entries),
      side_(side),
      quarantine_(quarantine),
      sockets_(entries.size()),
      groups_(groups),
      random_(std::random_device{}()) {}

bool SocketLeases::add(SocketIndex index, std::size_t group, bool is_new) {
    if (index_of(index) >= entries_.size() || group >= groups_.size() || has(index)) return false;
    sockets_[index_of(index)] = {.exists = true, .group = static_cast<std::uint16_t>(group)};
    ++groups_[group].count;
    reserve(groups_[group]);
    PoolEntry& entry = entries_[index_of(index)];
    if (is_new) entry = {};
    if (entry.state == PoolEntry::State::idle) quarantine(index, entry.quarantined_until);
    return true;
}

/// Room for all sockets, so that giving one back never allocates. Each has at most one outdated entry: one
/// that was leased during a quarantine is not leased so again before that has ended.
void SocketLeases::reserve(Group& group) const {
    const std::size_t room = std::max(2 * group.count, group.free.capacity());
    if (group.full.capacity() >= 2 * group.count) return;
    group.free.reserve(room);
    group.full.reserve(2 * room);
    group.shortenable.reserve(2 * room);
}

SocketIndex SocketLeases::lease(std::size_t group, Slot session, Instant now) {
    for (int attempt = 0; attempt < max_lease_attempts && available(group, now) > 0; ++attempt) {
        const SocketIndex index = take_random(group);
        if (!side_.may_open(index)) {
            groups_[group].free.push_back(index);
            continue;
        }
        PoolEntry& entry = entries_[index_of(index)];
        if (rests_longer(index, now)) {
            quarantine(index, entry.quarantined_until, sockets_[index_of(index)].kind);
            continue;
        }
        sockets_[index_of(index)].several = false;
        entry.session = session;
        note(entry, PoolEntry::State::leased);
        return index;
    }
    return no_socket;
}

SocketIndex SocketLeases::find_lendable(const Endpoint& server, std::size_t group) const {
    const Heap& heap = groups_[group].shortenable;
    if (heap.empty()) return no_socket;
    // From a random place on, because the sockets of one server are often in a row.
    const std::size_t start = random_() % heap.size();
    for (std::size_t i = 0; i < std::min(heap.size(), max_looked_at); ++i) {
        const Quarantined& entry = heap[(start + i) % heap.size()];
        const Socket& socket = sockets_[index_of(entry.index)];
        if (is_current(entry, true) && socket.kind == Quarantine::unanswered &&
            could_lease_for(server, entry.index) && !received_while_idle(entry.index))
            return entry.index;
    }
    return no_socket;
}

bool SocketLeases::could_lease_for(const Endpoint& server, SocketIndex index) const {
    const Socket& socket = sockets_[index_of(index)];
    return !socket.several && socket.server != 0 && socket.server != mark_of(server);
}

SocketIndex SocketLeases::lease_for(const Endpoint& server, std::size_t group, Slot session) {
    const SocketIndex index = find_lendable(server, group);
    if (index == no_socket) return index;
    Socket& socket = sockets_[index_of(index)];
    socket.quarantined = false;  // its place in the heap is outdated now
    socket.several = true;
    --groups_[group].quarantined;
    PoolEntry& entry = entries_[index_of(index)];
    entry.session = session;
    note(entry, PoolEntry::State::leased);
    return index;
}

/// The last server still sends to it, and means its last client: that one still counts, so a quarantine that
/// could be shortened still can be, from now on.
bool SocketLeases::rests_longer(SocketIndex index, Instant now) {
    if (!received_while_idle(index)) return false;
    Socket& socket = sockets_[index_of(index)];
    PoolEntry& entry = entries_[index_of(index)];
    entry.quarantined_until = std::max(entry.quarantined_until, now + quarantine_);
    socket.dropped = side_.dropped(index);
    if (socket.kind == Quarantine::unanswered) socket.kind = Quarantine::unconfirmed;
    return true;
}

void SocketLeases::notice_received(std::size_t max, Instant now) {
    for (std::size_t left = std::min(max, sockets_.size()); left > 0; --left) {
        const Socket& socket = sockets_[noticed_];
        if (socket.quarantined && socket.kind != Quarantine::full)
            rests_longer(SocketIndex{static_cast<std::uint32_t>(noticed_)}, now);
        noticed_ = (noticed_ + 1) % sockets_.size();
    }
}

/// A socket that never served has no last server: what comes to it is a port scan, and no reason to wait.
bool SocketLeases::received_while_idle(SocketIndex index) const {
    const Socket& socket = sockets_[index_of(index)];
    return entries_[index_of(index)].quarantined_until != Instant{} && side_.dropped(index) != socket.dropped;
}

SocketIndex SocketLeases::take_random(std::size_t group) {
    // Random, so that the source port of the next session cannot be predicted.
    std::vector<SocketIndex>& free = groups_[group].free;
    std::swap(free[std::uniform_int_distribution<std::size_t>(0, free.size() - 1)(random_)], free.back());
    const SocketIndex index = free.back();
    free.pop_back();
    return index;
}

int SocketLeases::open(SocketIndex index, const Endpoint& server, net::Accepts accepts) {
    sockets_[index_of(index)].server = accepts == net::Accepts::server ? mark_of(server) : 0;
    return side_.open(index, server, accepts);
}

std::uint32_t SocketLeases::give_back(SocketIndex index, Instant quarantined_until, Quarantine kind) {
    PoolEntry& entry = entries_[index_of(index)];
    const std::uint32_t lost = side_.dropped(index) - sockets_[index_of(index)].dropped;
    note(entry, PoolEntry::State::returning);
    // A socket that is not closed must not serve another client: it is left to the next REG.
    if (side_.close(index) != 0) return lost;
    entry.session = none;
    entry.quarantined_until = std::max(entry.quarantined_until, quarantined_until);
    note(entry, PoolEntry::State::idle);
    quarantine(index, entry.quarantined_until, kind);
    return lost;
}

bool SocketLeases::claim(SocketIndex index, Slot session, std::size_t group, const Endpoint& server,
                         net::Accepts accepts) {
    if (!has(index)) return false;
    Socket& socket = sockets_[index_of(index)];
    const PoolEntry& entry = entries_[index_of(index)];
    if (socket.claimed || socket.group != group) return false;
    if (entry.state != PoolEntry::State::leased || entry.session != session) return false;
    if (!side_.reopen(index, server, accepts)) return false;
    socket.claimed = true;
    socket.dropped = side_.dropped(index);
    return true;
}

std::size_t SocketLeases::group_of(SocketIndex index) const {
    return has(index) ? sockets_[index_of(index)].group : groups_.size();
}

void SocketLeases::reclaim_unclaimed(Instant quarantined_until, bool fresh) {
    // The heap stays one: it is rebuilt from the entries that are believed.
    for (Group& group : groups_) {
        group.full.clear();
        group.free.clear();
        group.quarantined = 0;
    }
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
        const SocketIndex index{static_cast<std::uint32_t>(i)};
        if (!has(index)) continue;
        PoolEntry& entry = entries_[i];
        entry.quarantined_until = std::min(entry.quarantined_until, quarantined_until);
        const bool is_claimed = std::exchange(sockets_[i].claimed, false);
        if (is_claimed) continue;
        if (is_idle(index, fresh)) {
            // It has a filter, but a REG that was taken over may have attached one that drops nothing.
            if (side_.close(index) == 0) quarantine(index, entry.quarantined_until);
        } else if (side_.is_unused(index)) {
            entry = {};
            quarantine(index, entry.quarantined_until);
        } else {
            give_back(index, quarantined_until);
        }
    }
}

bool SocketLeases::is_idle(SocketIndex index, bool fresh) const {
    const PoolEntry& entry = entries_[index_of(index)];
    if (entry.state != PoolEntry::State::idle || !side_.is_closed(index)) return false;
    // A socket that knows a server has served, whatever a crashed REG left in its entry.
    const bool never_served = entry.quarantined_until == Instant{};
    return never_served ? !side_.has_server(index) : !fresh;
}

Slot SocketLeases::session_of(SocketIndex index) const {
    if (index_of(index) >= entries_.size()) return none;
    const PoolEntry& entry = entries_[index_of(index)];
    return entry.state == PoolEntry::State::leased ? entry.session : none;
}

std::size_t SocketLeases::available(std::size_t group, Instant now) {
    end_quarantines(group, now);
    return groups_[group].free.size();
}

bool SocketLeases::can_lease(std::size_t group, Instant now) {
    end_quarantines(group, now);
    const std::span<const SocketIndex> free = groups_[group].free;
    return std::ranges::any_of(free.first(std::min(free.size(), max_looked_at)),
                               [this](SocketIndex index) { return !received_while_idle(index); });
}

std::vector<SocketUse> SocketLeases::use(Instant now) {
    std::vector<SocketUse> use;
    for (std::size_t group = 0; group < groups_.size(); ++group) {
        for (std::size_t asked = 0; asked <= groups_[group].count; asked += max_asked)
            end_quarantines(group, now);
        use.push_back({.all = groups_[group].count,
                       .free = groups_[group].free.size(),
                       .quarantined = groups_[group].quarantined});
    }
    return use;
}

std::size_t SocketLeases::shorten_quarantines(std::size_t group, std::size_t wanted, Instant now) {
    // All in this heap end equally long after their last use, so their order stays.
    const Duration less = std::max(Duration{0}, quarantine_ - min_quarantine);
    return end_quarantines(groups_[group], groups_[group].shortenable, less, wanted, now);
}

void SocketLeases::end_quarantines(std::size_t group, Instant now) {
    Group& ended = groups_[group];
    end_quarantines(ended, ended.full, {}, ended.full.size(), now);
    end_quarantines(ended, ended.shortenable, {}, ended.shortenable.size(), now);
}

std::size_t SocketLeases::end_quarantines(Group& group, Heap& heap, Duration less, std::size_t max,
                                          Instant now) {
    std::size_t freed = 0, asked = 0;
    while (freed < max && asked < max_asked && !heap.empty() && heap.front().until <= now + less) {
        std::ranges::pop_heap(heap, std::greater<>());
        const Quarantined entry = heap.back();
        heap.pop_back();
        if (!is_current(entry, &heap == &group.shortenable)) continue;
        Socket& socket = sockets_[index_of(entry.index)];
        const Instant& until = entries_[index_of(entry.index)].quarantined_until;
        if (until != Instant{}) ++asked;
        if (rests_longer(entry.index, now) || until > entry.until) {
            push(heap, entry.index, until);
            continue;
        }
        socket.quarantined = false;
        --group.quarantined;
        group.free.push_back(entry.index);
        ++freed;
    }
    return freed;
}

bool SocketLeases::is_current(const Quarantined& entry, bool shortenable) const {
    const Socket& socket = sockets_[index_of(entry.index)];
    return socket.quarantined && (socket.kind != Quarantine::full) == shortenable &&
           socket.queued_until == entry.until;
}

void SocketLeases::push(Heap& heap, SocketIndex index, Instant until) {
    sockets_[index_of(index)].queued_until = until;
    heap.push_back({until, index});
    std::ranges::push_heap(heap, std::greater<>());
}

void SocketLeases::quarantine(SocketIndex index, Instant until, Quarantine kind) {
    Socket& socket = sockets_[index_of(index)];
    Group& group = groups_[socket.group];
    socket.dropped = side_.dropped(index);
    socket.quarantined = true;
    socket.kind = kind;
    ++group.quarantined;
    push(kind == Quarantine::full ? group.full : group.shortenable, index, until);
}

}  // namespace session
