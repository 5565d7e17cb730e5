#include "libudpserver/session/waiting_openers.hpp"

namespace session {

WaitingOpeners::Waiter* WaitingOpeners::find(const SessionKey& key) {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &*found->second;
}

WaitingOpeners::Waiter& WaitingOpeners::add(const SessionKey& key, base::Instant deadline) {
    waiters_.push_back({key, {}, deadline, HoldQueue(budget_)});
    places_[key] = std::prev(waiters_.end());
    return waiters_.back();
}

void WaitingOpeners::remove(const SessionKey& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    waiters_.erase(found->second);
    places_.erase(found);
}

WaitingOpeners::List WaitingOpeners::take(const std::function<bool(Waiter&)>& ready) {
    List taken;
    for (auto waiter = waiters_.begin(); waiter != waiters_.end();) {
        const auto here = waiter++;
        if (!ready(*here)) continue;
        places_.erase(here->key);
        taken.splice(taken.end(), waiters_, here);
    }
    return taken;
}

WaitingOpeners::List WaitingOpeners::take_overdue(base::Instant now) {
    List taken;
    while (!waiters_.empty() && waiters_.front().deadline <= now) {
        places_.erase(waiters_.front().key);
        taken.splice(taken.end(), waiters_, waiters_.begin());
    }
    return taken;
}

std::optional<base::Instant> WaitingOpeners::next_deadline() const {
    if (waiters_.empty()) return std::nullopt;
    return waiters_.front().deadline;
}

}  // namespace session
