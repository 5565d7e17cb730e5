#include "libudpserver/net/shared_ports.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "conf/address_block.hpp"
#include "libudpserver/net/udp_socket.hpp"

namespace net {

namespace {

/// Servers whose route is remembered; a rule seldom has more.
constexpr std::size_t max_routes = 4096;
constexpr base::Duration route_lifetime{1000};

void set_words(__u32 (&words)[4], const std::array<std::uint8_t, 16>& bytes) {
    static_assert(sizeof words == sizeof bytes);
    std::memcpy(words, bytes.data(), sizeof words);
}

std::array<std::uint8_t, 16> bytes_of(const __u32 (&words)[4]) {
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), words, sizeof words);
    return bytes;
}

__u8 code_of(Accepts accepts) {
    return accepts == Accepts::server ? STEER_SERVER : STEER_ANYONE;
}

/// The program in the kernel may read the entry at any time.
void set_accepts(steer_port& entry, __u8 accepts) {
    std::atomic_ref(entry.accepts).store(accepts, std::memory_order_seq_cst);
}

__u8 accepts_of(const steer_port& entry) {
    return std::atomic_ref(const_cast<steer_port&>(entry).accepts).load(std::memory_order_relaxed);
}

}  // namespace

std::vector<int> SharedSockets::all() const {
    std::vector<int> all{raw_v4, raw_v6, icmp_v4, icmp_v6, ports};
    for (const Receivers& worker : receivers)
        all.insert(all.end(), {worker.v4, worker.v6});
    std::erase(all, -1);
    return all;
}

SharedPorts::SharedPorts(const PortPlan& plan, std::span<steer_port> ports, const SharedSockets& sockets,
                         unsigned worker)
    : plan_(plan), ports_(ports), sockets_(sockets), worker_(worker), closed_at_(plan.size()) {}

std::size_t SharedPorts::Hash::operator()(const base::Address& address) const {
    return std::hash<std::string_view>()(
        {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
}

void SharedPorts::begin_turn(base::Instant now) {
    if (now - forgotten_ < route_lifetime) return;
    forgotten_ = now;
    routes_.clear();
}

std::optional<base::Address> SharedPorts::route_to(const base::Endpoint& server) {
    if (const auto found = routes_.find(server.address()); found != routes_.end()) return found->second;
    const std::optional<base::Address> source = route_source(server);
    if (!source || source->is_any()) return std::nullopt;
    if (routes_.size() >= max_routes) routes_.clear();
    routes_.emplace(server.address(), *source);
    return source;
}

int SharedPorts::open(SocketIndex source, const base::Endpoint& server, Accepts accepts) {
    // Loopback would take a datagram for the unspecified address.
    if (server.address().is_any() || server.port == 0) return EADDRNOTAVAIL;
    if (!may_open(source)) return EAGAIN;
    std::optional<base::Address> local = plan_.range_of(source)->source;
    if (local->is_any()) local = route_to(server);
    if (!local) return ENETUNREACH;
    steer_port& port = entry(source);
    set_words(port.peer, server.bytes);
    set_words(port.local, local->bytes);
    port.scope = local->scope;
    port.peer_port = htons(server.port);
    port.worker = static_cast<__u8>(worker_);
    set_accepts(port, code_of(accepts));
    return 0;
}

int SharedPorts::close(SocketIndex source) {
    const __u8 accepted = accepts_of(entry(source));
    const bool was_open_to_anyone = accepted == STEER_ANYONE || accepted == STEER_CLOSED_TO_ANYONE;
    set_accepts(entry(source), was_open_to_anyone ? STEER_CLOSED_TO_ANYONE : STEER_CLOSED);
    closed_at_[index_of(source)] = drains_of(source);
    return 0;
}

bool SharedPorts::reopen(SocketIndex source, const base::Endpoint& server, Accepts accepts) {
    steer_port& port = entry(source);
    const PortPlan::Range& range = *plan_.range_of(source);
    const base::Address here = local(source).address();
    const bool is_same = accepts_of(port) == code_of(accepts) &&
                         (range.source.is_any() || range.source == here) && !here.is_any() &&
                         (accepts == Accepts::anyone ||
                          (bytes_of(port.peer) == server.bytes && port.peer_port == htons(server.port)));
    if (is_same) port.worker = static_cast<__u8>(worker_);  // it may have been another
    return is_same;
}

bool SharedPorts::is_closed(SocketIndex source) const {
    const __u8 accepts = accepts_of(entry(source));
    return accepts != STEER_SERVER && accepts != STEER_ANYONE;
}

bool SharedPorts::has_server(SocketIndex source) const {
    return entry(source).peer_port != 0;
}

std::uint32_t SharedPorts::dropped(SocketIndex source) const {
    steer_port& port = entry(source);
    return std::atomic_ref(port.missed).load(std::memory_order_relaxed) -
           std::atomic_ref(port.forgiven).load(std::memory_order_relaxed);
}

bool SharedPorts::is_quoted(SocketIndex source, const IcmpReport& report) const {
    const steer_port& port = entry(source);
    return bytes_of(port.local) == report.source.bytes && bytes_of(port.peer) == report.server.bytes &&
           port.peer_port == htons(report.server.port);
}

bool SharedPorts::concerns(SocketIndex source, const IcmpReport& report) const {
    return !is_closed(source) && is_quoted(source, report);
}

void SharedPorts::forgive(SocketIndex source, const IcmpReport& report) {
    // In doubt the source rests longer: a datagram that was counted must not be forgotten.
    if (report.is_delivered && accepts_of(entry(source)) == STEER_CLOSED && is_quoted(source, report))
        std::atomic_ref(entry(source).forgiven).fetch_add(1, std::memory_order_relaxed);
}

base::Endpoint SharedPorts::local(SocketIndex source) const {
    const steer_port& port = entry(source);
    base::Address address;
    address.family = plan_.range_of(source)->source.family;
    address.bytes = bytes_of(port.local);
    address.scope = port.scope;
    return {address, plan_.port_of(source)};
}

std::optional<base::Address> SharedPorts::source_at(const base::Endpoint& local) const {
    const SocketIndex source = plan_.source_at(local);
    if (source == no_socket || is_closed(source)) return std::nullopt;
    return this->local(source).address();
}

void SharedPorts::address(SocketIndex source, const base::Endpoint& server, Accepts /*accepts*/,
                          SendBatch::Order& order) const {
    order.fd = server.family == base::Family::v4 ? sockets_.raw_v4 : sockets_.raw_v6;
    order.to = server;
    order.source = local(source);
    order.is_raw = true;
}

}  // namespace net
