#include "resolvers/answer_cache.hpp"

namespace resolvers {

std::optional<Answer> AnswerCache::find(const std::string& key, base::Instant now) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.expiry->first <= now) return std::nullopt;
    Answer answer = found->second.answer;
    answer.ttl = found->second.expiry->first - now;
    return answer;
}

void AnswerCache::put(const std::string& key, const Answer& answer, base::Instant now) {
    erase(key);
    if (capacity_ == 0 || answer.ttl <= base::Duration::zero()) return;
    while (entries_.size() >= capacity_)
        erase(std::string(expiries_.begin()->second));
    const auto expiry = expiries_.emplace(now + answer.ttl, key);
    entries_.emplace(key, Entry{answer, expiry});
}

void AnswerCache::erase(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    expiries_.erase(found->second.expiry);
    entries_.erase(found);
}

}  // namespace resolvers
