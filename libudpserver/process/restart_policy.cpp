#include "libudpserver/process/restart_policy.hpp"

#include <algorithm>
#include <utility>

namespace process {

Duration RestartPolicy::died(Instant now, std::optional<Instant> ready) {
    if (ready && now - *ready >= speed_.good_run) {
        next_delay_ = Duration(0);
        return Duration(0);
    }
    const Duration delay = std::clamp(next_delay_, speed_.first_delay, speed_.max_delay);
    next_delay_ = std::min(2 * delay, speed_.max_delay);
    return delay;
}

bool CrashLoop::add(Instant now) {
    crashes_.push_back(now);
    while (now - crashes_.front() > limit_.within)
        crashes_.pop_front();
    return crashes_.size() > limit_.count && !std::exchange(on_, true);
}

Duration CrashLoop::delay() {
    if (!on_) return Duration(0);
    return std::exchange(next_delay_, std::min(2 * next_delay_, max_delay));
}

void CrashLoop::end() {
    on_ = false;
    next_delay_ = first_delay;
    crashes_.clear();
}

}  // namespace process
