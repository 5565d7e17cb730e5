#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace session {

/// An earlier configuration, for records whose indices are meant under it.
struct PastPolicy {
    std::uint32_t epoch = 0;
    std::shared_ptr<const conf::Config> config;
    std::vector<base::Endpoint> listeners;  ///< where it listened, by index
};

/// Which configuration is the present one, and those before it that sessions may still be of. Each reload
/// begins an epoch; a REG that is ready has brought every session into the present one.
struct PolicyHistory {
    std::uint32_t epoch = 0;
    std::vector<PastPolicy> past;

    /// Null for an epoch that nobody remembers.
    [[nodiscard]] const PastPolicy* find(std::uint32_t wanted) const {
        const auto found = std::ranges::find(past, wanted, &PastPolicy::epoch);
        return found == past.end() ? nullptr : &*found;
    }
};

}  // namespace session
