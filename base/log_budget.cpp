#include "base/log_budget.hpp"

#include <utility>

namespace base::log {

Budget::Verdict Budget::ask(const Message& message, Instant now) {
    if (message.budget == 0) return {};
    const Rate rate{message.budget, message.budget * 5};
    const std::lock_guard lock(mutex_);
    // Ids have ten characters: the string needs no memory of its own.
    auto& account = accounts_[std::string(message.id)];
    if (account.bucket.take(rate, now)) return {true, std::exchange(account.suppressed, 0)};
    ++account.suppressed;
    return {false, account.suppressed};
}

void Budget::reset() {
    const std::lock_guard lock(mutex_);
    accounts_.clear();
}

}  // namespace base::log
