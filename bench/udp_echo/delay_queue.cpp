#include "bench/udp_echo/delay_queue.hpp"

#include <algorithm>
#include <utility>

namespace echo {

bool DelayQueue::add(base::Instant due, const base::Endpoint& to, std::span<const std::byte> payload) {
    if (heap_.size() >= max_answers || bytes_ + payload.size() > max_bytes) return false;
    heap_.push_back({due, to, {payload.begin(), payload.end()}});
    std::push_heap(heap_.begin(), heap_.end(), Later());
    bytes_ += payload.size();
    return true;
}

std::optional<Late> DelayQueue::take(base::Instant now) {
    if (heap_.empty() || heap_.front().due > now) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    Late late = std::move(heap_.back());
    heap_.pop_back();
    bytes_ -= late.payload.size();
    return late;
}

int DelayQueue::wait_ms(base::Instant now) const {
    if (heap_.empty()) return -1;
    const auto wait = heap_.front().due - now;
    return static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 60'000));
}

}  // namespace echo
