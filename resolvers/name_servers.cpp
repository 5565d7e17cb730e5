#include "resolvers/name_servers.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace resolvers {

std::vector<std::size_t> NameServers::order(base::Instant now) const {
    std::vector<std::size_t> indices(avoided_until_.size());
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    std::stable_partition(indices.begin(), indices.end(),
                          [&](std::size_t index) { return avoided_until_[index] <= now; });
    return indices;
}

NameServers::Exchange NameServers::take(conf::Transport transport) {
    Idle& idle = idle_[static_cast<std::size_t>(transport)];
    if (idle.empty()) return {new AresExchange(io_, settings_, counters_, transport), Return{this}};
    Exchange exchange(idle.front().release(), Return{this});
    idle.pop_front();
    return exchange;
}

void NameServers::put_back(AresExchange* exchange) noexcept {
    std::unique_ptr<AresExchange> returned(exchange);
    returned->cancel();
    Idle& idle = idle_[static_cast<std::size_t>(returned->transport())];
    if (!idle.full()) idle.push_back(std::move(returned));
}

}  // namespace resolvers
