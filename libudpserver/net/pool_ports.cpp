#include "libudpserver/net/pool_ports.hpp"

namespace net {

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

void PoolPorts::add(const base::Endpoint& bound, int fd) {
    if (Ports* ports = of(bound.address()))
        ports->sockets[bound.port].store(fd + 1, std::memory_order_relaxed);
}

int PoolPorts::descriptor(const base::Endpoint& bound) const {
    const Ports* ports = of(bound.address());
    return ports == nullptr ? -1 : ports->sockets[bound.port].load(std::memory_order_relaxed) - 1;
}

}  // namespace net
