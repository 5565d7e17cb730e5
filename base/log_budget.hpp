#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/messages.hpp"
#include "base/token_bucket.hpp"

namespace base::log {

/// How many lines each message id may still write: the catalogue's budget a second, five times that at once.
/// Thread-safe; time is a parameter.
class Budget {
public:
    struct Verdict {
        bool pass = true;
        std::uint64_t suppressed = 0;  ///< how many were held back since the last that passed
    };
    Verdict ask(const Message& message, Instant now) {
        if (message.budget == 0) return {};
        const Rate rate{message.budget, message.budget * 5};
        const std::lock_guard lock(mutex_);
        // Ids have ten characters, so the string does not allocate.
        auto& account = accounts_[std::string(message.id)];
        if (account.bucket.take(rate, now)) return {true, std::exchange(account.suppressed, 0)};
        ++account.suppressed;
        return {false, account.suppressed};
    }

    /// Refills all buckets: a new process starts with full budgets.
    void reset() {
        const std::lock_guard lock(mutex_);
        accounts_.clear();
    }

private:
    struct Account {
        TokenBucket bucket;
        std::uint64_t suppressed = 0;
    };
    std::mutex mutex_;
    std::unordered_map<std::string, Account> accounts_;  ///< by id
};

}  // namespace base::log
