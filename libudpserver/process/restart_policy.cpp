#include "libudpserver/process/restart_policy.hpp"

#include <algorithm>

namespace process {

Duration RestartPolicy::died(Instant now, std::optional<Instant> ready) {
    if (ready && now - *ready >= speed_.good_run) {
        next_delay_ = Duration(0);
        return Duration(0);
    }
    const Duration delay = std::clamp(next_delay_, speed_.first_delay, speed_.longest_delay);
    next_delay_ = std::min(2 * delay, speed_.longest_delay);
    return delay;
}

bool DeathTally::add(Instant now) {
    deaths_.push_back(now);
    while (now - deaths_.front() > limit_.within)
        deaths_.pop_front();
    return deaths_.size() > limit_.count;
}

}  // namespace process
