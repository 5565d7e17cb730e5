#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

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
    Verdict ask(const Message& message, Instant now);
    /// All buckets are full again: a new process has budgets of its own.
    void reset();

private:
    struct Account {
        TokenBucket bucket;
        std::uint64_t suppressed = 0;
    };
    std::mutex mutex_;
    std::unordered_map<std::string, Account> accounts_;  ///< by id
};

}  // namespace base::log
