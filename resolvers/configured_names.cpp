#include "resolvers/configured_names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"

namespace resolvers {
namespace {

namespace msg = base::msg;
using Addresses = std::vector<base::Address>;

// A TTL of 0, or a very short one, must not make ACR spin (K-56).
constexpr base::Duration min_delay = std::chrono::milliseconds(500);

Addresses normalised(Addresses addresses) {
    std::ranges::sort(addresses);
    addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
    return addresses;
}

// An answer without addresses is NODATA. One with more than a message can carry is a failure: a part of it
// would be wrong.
Answer usable(Answer answer) {
    if (answer.status != Answer::ok) return answer;
    const std::size_t count = answer.addresses.size();
    if (count == 0) answer.status = Answer::no_data;
    if (count > ipc::max_results) {
        answer.status = Answer::server_failure;
        answer.detail = fmt::format("{} addresses, at most {} are supported", count, ipc::max_results);
    }
    return answer;
}

std::string reason(const Answer& answer) {
    std::string text(to_string(answer.status));
    return answer.detail.empty() ? text : text + " (" + answer.detail + ")";
}

std::string whole_seconds(base::Duration duration) {
    return base::format_duration(
        std::chrono::floor<std::chrono::seconds>(std::max(duration, base::Duration::zero())));
}

base::Duration part_of(base::Duration ttl, double jitter) {
    const double part = 0.8 + 0.1 * std::clamp(jitter, 0.0, 1.0);
    return base::Duration(static_cast<base::Duration::rep>(static_cast<double>(ttl.count()) * part));
}

}  // namespace

ConfiguredNames::ConfiguredNames(const NameSnapshot& names, base::Duration stale_max, base::Instant now,
                                 RetryDelays delays)
    : stale_max_(stale_max), delays_(delays) {
    for (const auto& [name, addresses] : names.names()) {
        Entry& entry = names_.emplace_back();
        entry.name = name;
        entry.valid_until = now;
        entry.due = now;
        if (!addresses) continue;
        entry.addresses = *addresses;
        entry.answered = addresses->empty() ? Entry::Answered::denial : Entry::Answered::addresses;
        entry.published = Entry::Published::addresses;
    }
}

ConfiguredNames::Entry* ConfiguredNames::find(std::string_view name) {
    const auto found = std::ranges::lower_bound(names_, name, {}, &Entry::name);
    return found != names_.end() && found->name == name ? &*found : nullptr;
}

std::vector<std::string> ConfiguredNames::take_due(base::Instant now) {
    std::vector<Entry*> due;
    for (Entry& entry : names_)
        if (entry.due && *entry.due <= now) due.push_back(&entry);
    std::ranges::stable_sort(due, {}, [](const Entry* entry) { return *entry->due; });
    std::vector<std::string> names;
    for (Entry* entry : due) {
        names.push_back(entry->name);
        entry->due.reset();
    }
    return names;
}

bool ConfiguredNames::make_due(std::string_view name, base::Instant now) {
    Entry* const entry = find(name);
    if (entry == nullptr) return false;
    if (entry->due) entry->due = now;
    return true;
}

NameReport ConfiguredNames::on_answer(std::string_view name, const Answer& answer, base::Instant now,
                                      double jitter) {
    NameReport report;
    Entry* const entry = find(name);
    if (entry == nullptr) return report;
    entry->due = now + next_delay(*entry, answer, jitter);
    const Answer used = usable(answer);
    if (used.status != Answer::ok) {
        entry->last_error = reason(used);
        entry->last_error_at = now;
    }
    if (used.status == Answer::ok) {
        entry->set_addresses(used, now, report);
    } else if (is_denial(used.status)) {
        entry->deny(report);
    } else {
        on_failure(*entry, used.status, now, report);
        if (const auto at = expiry(*entry); at && now >= *at) entry->expire(report);
    }
    return report;
}

base::Duration ConfiguredNames::next_delay(Entry& entry, const Answer& answer, double jitter) const {
    if (answer.status != Answer::ok && !is_denial(answer.status))
        return std::min(delays_.first * (1u << std::min(entry.failures++, 20u)), delays_.max);
    entry.failures = 0;
    if (answer.status == Answer::ok) return std::max(part_of(answer.ttl, jitter), min_delay);
    // Name servers cache a denial for its TTL; an earlier look-up would get the same answer.
    return std::clamp(answer.ttl, std::min(delays_.first, delays_.max), delays_.max);
}

void ConfiguredNames::Entry::publish(Addresses list, NameReport& report) {
    const bool changed = published != Published::addresses || addresses != list;
    addresses = std::move(list);
    published = Published::addresses;
    if (changed) report.update = update();
}

void ConfiguredNames::Entry::set_addresses(const Answer& answer, base::Instant now, NameReport& report) {
    publish(normalised(answer.addresses), report);
    valid_until = now + answer.ttl;
    if (is_failing())
        report.events.push_back({&msg::name_recovered, fmt::format("name {}: resolves again to {}", name,
                                                                   base::to_string(addresses))});
    answered = Answered::addresses;
}

void ConfiguredNames::Entry::deny(NameReport& report) {
    publish({}, report);
    if (answered != Answered::denial)
        report.events.push_back(
            {&msg::name_denied, fmt::format("name {}: {}; it has no addresses now", name, last_error)});
    answered = Answered::denial;
}

void ConfiguredNames::Entry::expire(NameReport& report) {
    const std::string lost =
        published == Published::unresolved ? "its previous addresses" : base::to_string(addresses);
    report.events.push_back(
        {&msg::name_expired,
         fmt::format("name {}: {}; {} expired, it has no addresses now", name, last_error, lost)});
    publish({}, report);
}

void ConfiguredNames::on_failure(Entry& entry, Answer::Status status, base::Instant now,
                                 NameReport& report) const {
    const bool is_private = status == Answer::refused_private;
    // A private address is logged in a series of other failures, too: the answer may be forged.
    if (is_private ? entry.answered != Entry::Answered::private_address : !entry.is_failing()) {
        entry.answered = is_private ? Entry::Answered::private_address : Entry::Answered::failure;
        const std::string effect =
            entry.addresses.empty()
                ? "it has no addresses"
                : fmt::format("keeping {} for at most {}", base::to_string(entry.addresses),
                              whole_seconds(entry.valid_until + stale_max_ - now));
        report.events.push_back({is_private ? &msg::name_private : &msg::name_failed,
                                 fmt::format("name {}: {}; {}", entry.name, entry.last_error, effect)});
    }
    if (entry.published != Entry::Published::nothing) return;
    entry.published = Entry::Published::unresolved;
    report.update = entry.update();
}

std::optional<base::Instant> ConfiguredNames::expiry(const Entry& entry) const {
    const bool has_any = entry.published == Entry::Published::unresolved || !entry.addresses.empty();
    if (!entry.is_failing() || !has_any) return std::nullopt;
    return entry.valid_until + stale_max_;
}

std::vector<NameReport> ConfiguredNames::expire(base::Instant now) {
    std::vector<NameReport> reports;
    for (Entry& entry : names_)
        if (const auto at = expiry(entry); at && now >= *at) entry.expire(reports.emplace_back());
    return reports;
}

std::optional<base::Instant> ConfiguredNames::next_event() const {
    std::optional<base::Instant> first;
    for (const Entry& entry : names_)
        for (const auto& at : {entry.due, expiry(entry)})
            if (at && (!first || *at < *first)) first = at;
    return first;
}

std::vector<ipc::NameUpdate> ConfiguredNames::initial_updates() const {
    std::vector<ipc::NameUpdate> updates;
    for (const Entry& entry : names_)
        if (entry.published != Entry::Published::nothing) updates.push_back(entry.update());
    return updates;
}

ipc::NameUpdate ConfiguredNames::current_update(std::string_view name) const {
    return std::ranges::lower_bound(names_, name, {}, &Entry::name)->update();
}

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
        status.expires_in =
            entry.valid_until - now + (entry.is_stale(now) ? stale_max_ : base::Duration::zero());
    } else if (entry.answered != Entry::Answered::never) {
        status.state = entry.answered == Entry::Answered::denial ? NameStatus::denied : NameStatus::failed;
    }
    if (!entry.last_error.empty()) status.last_error_age = now - entry.last_error_at;
    return status;
}

std::vector<std::string> ConfiguredNames::info(base::Instant now) const {
    std::vector<std::string> lines;
    for (const NameStatus& name : status(now)) {
        std::string text = "name " + name.name + ": ";
        text += name.state == NameStatus::asked ? "not resolved yet" : base::to_string(name.addresses);
        if (!name.addresses.empty())
            text += (name.state == NameStatus::stale ? ", stale, expires in " : ", TTL ends in ") +
                    whole_seconds(name.expires_in);
        if (!name.last_error.empty())
            text += "; last error " + whole_seconds(name.last_error_age) + " ago: " + name.last_error;
        lines.push_back(std::move(text));
    }
    return lines;
}

std::string_view to_string(NameStatus::State state) {
    constexpr std::string_view words[] = {"asked", "resolved", "stale", "denied", "failed"};
    return words[state];
}

void log_events(const NameReport& report) {
    for (const NameReport::Event& event : report.events)
        base::log::write(*event.message, "{}", event.text);
}

}  // namespace resolvers
