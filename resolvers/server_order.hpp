#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.hpp"

namespace resolvers {

/// Which name server is asked first (K-62): as configured, but those that were silent a short time ago come
/// last, so that a dead first server costs one look-up its time-out and not every one.
class ServerOrder {
public:
    static constexpr base::Duration avoided_for = std::chrono::seconds(10);

    explicit ServerOrder(std::size_t servers) : avoided_until_(servers) {}

    /// Indices of all servers.
    [[nodiscard]] std::vector<std::size_t> order(base::Instant now) const;
    void failed(std::size_t server, base::Instant now) { avoided_until_[server] = now + avoided_for; }
    void answered(std::size_t server) { avoided_until_[server] = {}; }

private:
    std::vector<base::Instant> avoided_until_;
};

}  // namespace resolvers
