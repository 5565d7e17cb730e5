#include "libudpserver/net/pool_ports.hpp"

namespace net {

namespace {

constexpr std::uint64_t bit_of(std::uint16_t port) {
    return std::uint64_t{1} << (port % 64);
}

}  // namespace

PoolPorts::PoolPorts(const std::vector<PoolGroup>& groups) {
    for (const PoolGroup& group : groups) {
        if (of(group.source) != nullptr) continue;
        sources_.push_back(std::make_unique<Ports>());
        sources_.back()->source = group.source;
    }
}

PoolPorts::Ports* PoolPorts::of(const base::Address& source) const {
    for (const std::unique_ptr<Ports>& ports : sources_)
        if (ports->source == source) return ports.get();
    return nullptr;
}

void PoolPorts::add(const base::Endpoint& local) {
    if (Ports* ports = of(local.address()))
        ports->bits[local.port / 64].fetch_or(bit_of(local.port), std::memory_order_relaxed);
}

bool PoolPorts::contains(const base::Endpoint& local) const {
    const Ports* ports = of(local.address());
    return ports != nullptr &&
           (ports->bits[local.port / 64].load(std::memory_order_relaxed) & bit_of(local.port)) != 0;
}

}  // namespace net
