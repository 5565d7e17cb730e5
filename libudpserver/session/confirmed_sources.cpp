#include "libudpserver/session/confirmed_sources.hpp"

#include <algorithm>
#include <bit>
#include <chrono>

namespace session {

namespace {

constexpr base::Duration remembered = std::chrono::hours(1);

}  // namespace

ConfirmedSources::ConfirmedSources(std::size_t entries)
    : entries_(std::bit_ceil(std::max<std::size_t>(entries, ways))) {}

std::size_t ConfirmedSources::set_of(const SourcePrefix& source) const {
    return source.hash(key_) % (entries_.size() / ways) * ways;
}

void ConfirmedSources::add(const base::Address& address, base::Instant now) {
    const SourcePrefix source = source_prefix(address);
    const auto set = entries_.begin() + static_cast<std::ptrdiff_t>(set_of(source));
    auto place = std::find_if(set, set + ways, [&](const Entry& entry) { return entry.source == source; });
    if (place == set + ways)
        place = std::min_element(set, set + ways,
                                 [](const Entry& a, const Entry& b) { return a.confirmed < b.confirmed; });
    *place = {source, now};
    empty_ = false;
}

bool ConfirmedSources::contains(const base::Address& address, base::Instant now) const {
    const SourcePrefix source = source_prefix(address);
    const auto set = entries_.begin() + static_cast<std::ptrdiff_t>(set_of(source));
    return std::any_of(set, set + ways, [&](const Entry& entry) {
        return entry.source == source && now - entry.confirmed < remembered;
    });
}

}  // namespace session
