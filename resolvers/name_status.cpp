#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "resolvers/configured_names.hpp"

namespace resolvers {
namespace {

std::string seconds_text(base::Duration duration) {
    return base::format_duration(
        std::chrono::floor<std::chrono::seconds>(std::max(duration, base::Duration::zero())));
}

}  // namespace

std::vector<NameStatus> ConfiguredNames::status(base::Instant now) const {
    std::vector<NameStatus> all;
    for (const Entry& entry : names_)
        all.push_back(status(entry, now));
    return all;
}

NameStatus ConfiguredNames::status(const Entry& entry, base::Instant now) const {
    NameStatus status{.name = entry.name, .addresses = entry.addresses, .last_error = entry.last_error};
    if (!entry.addresses.empty()) {
        status.state = entry.is_stale(now) ? NameStatus::stale : NameStatus::resolved;
        status.expires_in = time_left(entry, now);
    } else if (entry.state != State::never) {
        status.state = entry.state == State::denied ? NameStatus::denied : NameStatus::failed;
    }
    if (entry.state == State::incomplete && entry.retry) status.failed_family = entry.retry->family;
    if (!entry.last_error.empty()) status.last_error_age = now - entry.last_error_at;
    return status;
}

/// Until the first TTL ends or, if all have ended, until the last addresses are dropped.
base::Duration ConfiguredNames::time_left(const Entry& entry, base::Instant now) const {
    if (entry.denied_until) return *entry.denied_until - now;
    std::optional<base::Instant> fresh, last;
    for (const FamilyState& one : entry.family) {
        if (one.addresses.empty()) continue;
        if (now < one.valid_until && (!fresh || one.valid_until < *fresh)) fresh = one.valid_until;
        if (!last || one.valid_until > *last) last = one.valid_until;
    }
    return fresh ? *fresh - now : last.value_or(now) + stale_max_ - now;
}

std::vector<std::string> ConfiguredNames::info(base::Instant now) const {
    std::vector<std::string> lines;
    for (const NameStatus& name : status(now)) {
        std::string text = "name " + name.name + ": ";
        text += name.state == NameStatus::asked ? "not resolved yet" : base::to_string(name.addresses);
        if (!name.addresses.empty())
            text += (name.state == NameStatus::stale ? ", stale, expires in " : ", TTL ends in ") +
                    seconds_text(name.expires_in);
        if (name.failed_family != base::Family::none)
            text += fmt::format("; {} look-ups fail", record_type(name.failed_family));
        if (!name.last_error.empty())
            text += "; last error " + seconds_text(name.last_error_age) + " ago: " + name.last_error;
        lines.push_back(std::move(text));
    }
    return lines;
}

std::string_view to_string(NameStatus::State state) {
    constexpr std::string_view words[] = {"asked", "resolved", "stale", "denied", "failed"};
    return words[state];
}

}  // namespace resolvers
