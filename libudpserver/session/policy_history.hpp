#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/endpoint.hpp"
#include "conf/config.hpp"

namespace session {

/// An earlier configuration, for records with indices into it.
struct PastPolicy {
    std::uint32_t epoch = 0;
    std::shared_ptr<const conf::Config> config;
    std::vector<base::Endpoint> listeners;  ///< by index
};

/// The present configuration's epoch and the earlier configurations that records may belong to. Each reload
/// starts an epoch; a REG that is ready has moved every session into the present one.
struct PolicyHistory {
    std::uint32_t epoch = 0;
    std::vector<PastPolicy> past;

    /// Null for an epoch that is forgotten.
    [[nodiscard]] const PastPolicy* find(std::uint32_t wanted) const {
        const auto found = std::ranges::find(past, wanted, &PastPolicy::epoch);
        return found == past.end() ? nullptr : &*found;
    }
};

}  // namespace session
