#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "resolvers/resolver.hpp"

namespace resolvers {

/// Answers, denials and failures too, each for its TTL. When it is full, the one that expires first is
/// removed.
class AnswerCache {
public:
    explicit AnswerCache(std::size_t capacity) : capacity_(capacity) {}

    /// With the rest of its TTL.
    [[nodiscard]] std::optional<Answer> find(const std::string& key, base::Instant now) const;
    /// Replaces an older answer. One without a TTL is not kept.
    void put(const std::string& key, const Answer& answer, base::Instant now);
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

private:
    using Expiries = std::multimap<base::Instant, std::string>;
    struct Entry {
        Answer answer;
        Expiries::iterator expiry;
    };

    void erase(const std::string& key);

    std::size_t capacity_;
    std::map<std::string, Entry> entries_;
    Expiries expiries_;
};

}  // namespace resolvers
