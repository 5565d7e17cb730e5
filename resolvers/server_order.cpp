#include "resolvers/server_order.hpp"

#include <algorithm>
#include <numeric>

namespace resolvers {

std::vector<std::size_t> ServerOrder::order(base::Instant now) const {
    std::vector<std::size_t> indices(avoided_until_.size());
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    std::stable_partition(indices.begin(), indices.end(),
                          [&](std::size_t index) { return avoided_until_[index] <= now; });
    return indices;
}

}  // namespace resolvers
