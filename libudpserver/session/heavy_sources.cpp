#include "libudpserver/session/heavy_sources.hpp"

#include <algorithm>
#include <span>

namespace session {

std::uint32_t HeavySources::add(const base::Address& address, base::Instant now) {
    decay(now);
    ++total_;
    const SourcePrefix source = source_prefix(address);
    const std::span set = std::span(entries_).subspan(source.hash(key_) % sets * ways, ways);
    Entry* free = nullptr;
    for (Entry& entry : set) {
        if (entry.count == 0) {
            free = &entry;
        } else if (entry.source == source) {
            return ++entry.count;
        }
    }
    if (free != nullptr) {
        *free = {source, 1};
        return 1;
    }
    for (Entry& entry : set)
        --entry.count;
    return 0;
}

void HeavySources::decay(base::Instant now) {
    if (now - decayed_ < half_life) return;
    const auto halvings = std::min<base::Duration::rep>((now - decayed_) / half_life, 31);
    for (Entry& entry : entries_)
        entry.count >>= halvings;
    total_ >>= halvings;
    decayed_ = now;
}

}  // namespace session
