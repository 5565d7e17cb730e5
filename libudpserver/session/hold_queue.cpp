#include "libudpserver/session/hold_queue.hpp"

#include <algorithm>
#include <utility>

namespace session {

namespace {

std::size_t share(std::uint64_t limit, unsigned workers) {
    const std::uint64_t parts = std::max(workers, 1u);
    return static_cast<std::size_t>(limit / parts + (limit % parts != 0 ? 1 : 0));
}

}  // namespace

HoldBudget::HoldBudget(const conf::Hold& hold, unsigned workers)
    : datagrams_(hold.datagrams),
      bytes_(static_cast<std::size_t>(hold.bytes)),
      sessions_(share(hold.sessions, workers)),
      memory_(share(hold.memory, workers)) {}

bool HoldBudget::take(std::size_t bytes) {
    if (bytes > memory_ - used_) return false;
    used_ += bytes;
    return true;
}

net::Datagram HoldQueue::Held::datagram() {
    return {.payload = payload, .from = from, .local = local, .tos = tos, .is_broadcast = is_broadcast};
}

HoldQueue::HoldQueue(HoldQueue&& other) noexcept
    : budget_(other.budget_),
      held_(std::exchange(other.held_, {})),
      bytes_(std::exchange(other.bytes_, 0)),
      cost_(std::exchange(other.cost_, 0)) {}

/// An empty datagram takes memory, too.
std::size_t HoldQueue::cost(std::size_t payload) {
    return sizeof(Held) + payload;
}

bool HoldQueue::push(std::size_t listener, const net::Datagram& datagram) {
    const std::size_t size = datagram.payload.size();
    if (held_.size() >= budget_->datagrams() || size > budget_->bytes() - bytes_) return false;
    if (!budget_->take(cost(size))) return false;
    held_.push_back({listener,
                     datagram.from,
                     datagram.local,
                     datagram.tos,
                     {datagram.payload.begin(), datagram.payload.end()},
                     size,
                     datagram.is_broadcast});
    bytes_ += size;
    cost_ += cost(size);
    return true;
}

HoldQueue::Held HoldQueue::pop() {
    Held first = std::move(held_.front());
    held_.pop_front();
    bytes_ -= first.room;
    cost_ -= cost(first.room);
    budget_->give(cost(first.room));
    return first;
}

void HoldQueue::clear() {
    held_.clear();
    bytes_ = 0;
    budget_->give(std::exchange(cost_, 0));
}

}  // namespace session
