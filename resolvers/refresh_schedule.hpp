#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// When each name is to be asked for again (K-53, K-55). Only arithmetic: whoever uses it asks, and sleeps
/// until next(). A name is asked for at once when it is added, before its answer expires, and after a failure
/// with pauses that double. What a failure means for the addresses decides NameTable.
class RefreshSchedule {
public:
    struct Pauses {
        base::Duration first = std::chrono::seconds(1);     ///< after the first failure
        base::Duration longest = std::chrono::seconds(60);  ///< after many, and after a denial
    };

    RefreshSchedule() : RefreshSchedule(Pauses{}) {}
    explicit RefreshSchedule(Pauses pauses) : pauses_(pauses) {}

    /// Due at once. Nothing happens for a name that is here already.
    void add(const std::string& name, base::Instant now);

    /// Makes a name due at once, unless it is being asked for. False for an unknown name.
    bool hurry(const std::string& name, base::Instant now);

    /// When the next name is due; nothing while there is none, or all are being asked for.
    [[nodiscard]] std::optional<base::Instant> next();

    /// A name that is due; it is now being asked for and comes back with answered(). Nothing when none is.
    std::optional<std::string> take_due(base::Instant now);

    /// `jitter` in [0, 1) spreads names with equal TTL: 0 is 80 % of the TTL, 1 would be 90 %. An
    /// unknown name is ignored. Returns when it is due again.
    std::optional<base::Instant> answered(const std::string& name, const Answer& answer, base::Instant now,
                                          double jitter);

    /// Failures since the last answer.
    [[nodiscard]] unsigned failures(const std::string& name) const;

private:
    struct Plan {
        std::uint64_t number = 0;  ///< of the one entry in the queue that counts; 0: being asked for
        unsigned failures = 0;
    };
    struct Entry {
        base::Instant due;
        std::uint64_t number;
        std::string name;
        bool operator>(const Entry& other) const { return due > other.due; }
    };

    void schedule(const std::string& name, Plan& plan, base::Instant due);
    [[nodiscard]] base::Duration pause(Plan& plan, const Answer& answer, double jitter) const;
    void drop_outdated();

    Pauses pauses_;
    std::uint64_t last_number_ = 0;
    std::map<std::string, Plan, std::less<>> names_;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

}  // namespace resolvers
