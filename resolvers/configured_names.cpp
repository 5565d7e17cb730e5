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
                                 Delays delays)
    : stale_max_(stale_max), delays_(delays) {
    for (const auto& [name, addresses] : names.names()) {
        Entry& entry = names_.emplace_back();
        entry.name = name;
        entry.due = now;
        for (std::size_t i = 0; i < families.size(); ++i) {
            entry.family[i].valid_until = now;
            for (const base::Address& address : addresses.value_or(Addresses()))
                if (address.family == families[i]) entry.family[i].addresses.push_back(address);
        }
        if (!addresses) continue;
        entry.addresses = *addresses;
        entry.state = addresses->empty() ? State::denied : State::found;
        entry.published = Published::addresses;
    }
}

ConfiguredNames::Entry* ConfiguredNames::find(std::string_view name) {
    const auto found = std::ranges::lower_bound(names_, name, {}, &Entry::name);
    return found != names_.end() && found->name == name ? &*found : nullptr;
}

// Asking.

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

std::vector<ConfiguredNames::FamilyLookup> ConfiguredNames::take_due_families(base::Instant now) {
    std::vector<FamilyLookup> due;
    for (Entry& entry : names_) {
        if (!entry.retry || !entry.retry->due || *entry.retry->due > now) continue;
        entry.retry->due.reset();
        due.push_back({entry.name, entry.retry->family, entry.retry->found_as});
    }
    return due;
}

bool ConfiguredNames::make_due(std::string_view name, base::Instant now) {
    Entry* const entry = find(name);
    if (entry == nullptr) return false;
    if (entry->due) entry->due = now;
    return true;
}

void ConfiguredNames::make_failing_due(base::Instant now) {
    for (Entry& entry : names_) {
        if (entry.is_failing()) entry.failures = 0;
        if (entry.is_failing() && entry.state != State::incomplete && entry.due) entry.due = now;
        if (entry.retry) entry.retry->failures = 0;
        if (entry.retry && entry.retry->due) entry.retry->due = now;
    }
}

// One failing name must not be asked so often that a thousand of them occupy a processor.
base::Duration ConfiguredNames::failure_delay(const Entry& entry, unsigned failures) const {
    constexpr unsigned single = 10, doubled = 35;  // together one minute
    constexpr base::Duration per_name = std::chrono::milliseconds(10);
    const base::Duration first = std::max<base::Duration>(delays_.first, per_name * names_.size());
    unsigned doublings = failures;
    if (entry.addresses.empty())
        doublings = failures < single ? 0 : failures < doubled ? 1 : failures - doubled + 2;
    return std::min(first * (1u << std::min(doublings, 20u)), delays_.max);
}

void ConfiguredNames::schedule(Entry& entry, const Answer& answer, base::Instant now, double jitter) const {
    base::Duration delay{};
    if (answer.status == Answer::ok) {
        entry.failures = 0;
        delay = std::max(part_of(answer.ttl, jitter), min_delay);
    } else if (is_denial(answer.status)) {
        entry.failures = 0;
        // Name servers cache a denial for its TTL; an earlier look-up would get the same answer.
        delay = std::clamp(answer.ttl, std::min(delays_.first, delays_.max), delays_.max);
        if (!entry.addresses.empty() && delays_.negative_grace > base::Duration::zero())
            delay = std::min(delay, std::max(delays_.negative_grace / 5, min_delay));
    } else {
        delay = failure_delay(entry, entry.failures++);
    }
    entry.due = now + delay;
    if (answer.status != Answer::ok || answer.failed == base::Family::none)
        entry.retry.reset();
    else if (!entry.retry || entry.retry->family != answer.failed || entry.retry->due)
        schedule_retry(entry, answer, now);
}

void ConfiguredNames::schedule_retry(Entry& entry, const Answer& answer, base::Instant now) const {
    if (!entry.retry || entry.retry->family != answer.failed) entry.retry = Retry{answer.failed, {}, {}};
    entry.retry->found_as = answer.found_as.empty() ? entry.name : answer.found_as + '.';
    entry.retry->due = now + failure_delay(entry, entry.retry->failures++);
}

// Answers.

NameReport ConfiguredNames::on_answer(std::string_view name, const Answer& answer, base::Instant now,
                                      double jitter, base::Family family) {
    NameReport report;
    Entry* const entry = find(name);
    if (entry == nullptr) return report;
    const Answer used = usable(answer);
    const bool is_retry = family != base::Family::none;
    // A whole answer that came in between has settled it.
    if (is_retry && (!entry->retry || entry->retry->family != family)) return report;
    const bool failed = used.status != Answer::ok && !is_denial(used.status);
    if (!is_retry) {
        schedule(*entry, used, now, jitter);
    } else if (failed) {
        entry->retry->due = now + failure_delay(*entry, entry->retry->failures++);
    } else {
        entry->retry.reset();
    }
    if (used.status != Answer::ok || !used.failure.empty()) {
        entry->last_error = used.status == Answer::ok ? used.failure : reason(used);
        entry->last_error_at = now;
    }
    apply(*entry, by_family(used, family), now);
    const bool incomplete =
        is_retry ? failed : used.status == Answer::ok && used.failed != base::Family::none;
    const State next = incomplete                               ? State::incomplete
                       : is_retry || used.status == Answer::ok  ? State::found
                       : is_denial(used.status)                 ? State::denied
                       : used.status == Answer::refused_private ? State::is_private
                                                                : State::failed;
    enter(*entry, next, now, report);
    return report;
}

void ConfiguredNames::apply(Entry& entry, const FamilyAnswers& answers, base::Instant now) const {
    for (std::size_t i = 0; i < families.size(); ++i) {
        if (!answers[i]) continue;
        FamilyState& family = entry.family[i];
        family.answered = answers[i]->kind;
        if (answers[i]->kind != FamilyAnswer::found) continue;
        family.addresses = answers[i]->addresses;
        family.valid_until = now + answers[i]->ttl;
        entry.denied_until.reset();
    }
    apply_denials(entry, now);
}

// A zone that is being rewritten, or a server that lost it, says for a moment that all is gone.
void ConfiguredNames::apply_denials(Entry& entry, base::Instant now) const {
    const bool others = std::ranges::any_of(entry.family, [](const FamilyState& family) {
        return !family.addresses.empty() && family.answered != FamilyAnswer::denied;
    });
    for (FamilyState& family : entry.family) {
        if (family.answered != FamilyAnswer::denied || family.addresses.empty()) continue;
        if (others || delays_.negative_grace <= base::Duration::zero())
            family.addresses.clear();
        else if (!entry.denied_until)
            entry.denied_until = now + delays_.negative_grace;
    }
}

/// Logs what the answer changed, and publishes.
void ConfiguredNames::enter(Entry& entry, State next, base::Instant now, NameReport& report) const {
    const bool was_failing = entry.is_failing(), is_new = entry.state != next;
    const bool was_hard = was_failing && entry.state != State::incomplete;
    const bool was_denied = entry.state == State::denied;
    const bool was_kept = was_denied && !entry.addresses.empty();
    const bool is_failure = next == State::failed || next == State::is_private;
    // After a private address other failures are the same series.
    if (!(next == State::failed && entry.state == State::is_private)) entry.state = next;
    if (is_failure && entry.published == Published::nothing) {
        entry.published = Published::unresolved;
        report.update = entry.update();
    } else if (!is_failure || entry.published == Published::addresses) {
        entry.publish(report);
    }
    if (next == State::incomplete && is_new)
        entry.log(msg::name_incomplete, entry.last_error + "; " + kept(entry, now), report);
    if (next == State::found && (was_failing || was_kept))
        entry.log(msg::name_recovered, "resolves again to " + base::to_string(entry.addresses), report);
    if (next == State::is_private && is_new)
        entry.log(msg::name_private, entry.last_error + "; " + kept(entry, now), report);
    if (next == State::failed && !was_hard)
        entry.log(msg::name_failed, entry.last_error + "; " + kept(entry, now), report);
    if (next == State::denied && !was_denied) {
        if (entry.addresses.empty())
            entry.log(msg::name_denied, entry.last_error + "; it has no addresses now", report);
        else
            entry.log(msg::name_denied_kept, entry.last_error + "; " + kept(entry, now), report);
    }
    drop_expired(entry, now, report);
}

/// What is used until when, for the log.
std::string ConfiguredNames::kept(const Entry& entry, base::Instant now) const {
    if (entry.addresses.empty()) return "it has no addresses";
    if (entry.state == State::incomplete) return "using " + base::to_string(entry.addresses);
    std::optional<base::Instant> last;
    for (std::size_t i = 0; i < families.size(); ++i)
        if (const auto at = expiry(entry, i); at && (!last || *at > *last)) last = at;
    return fmt::format("keeping {} for at most {}", base::to_string(entry.addresses),
                       whole_seconds(last.value_or(now) - now));
}

bool ConfiguredNames::Entry::is_stale(base::Instant now) const {
    const bool fresh = std::ranges::any_of(
        family, [now](const FamilyState& one) { return !one.addresses.empty() && now < one.valid_until; });
    return !addresses.empty() && (!fresh || denied_until);
}

void ConfiguredNames::Entry::publish(NameReport& report) {
    Addresses list;
    for (const FamilyState& one : family)
        list.insert(list.end(), one.addresses.begin(), one.addresses.end());
    std::ranges::sort(list);
    const bool changed = published != Published::addresses || addresses != list;
    addresses = std::move(list);
    published = Published::addresses;
    if (changed) report.update = update();
}

void ConfiguredNames::Entry::log(const base::Message& message, const std::string& what,
                                 NameReport& report) const {
    report.events.push_back({&message, "name " + name + ": " + what});
}

// Expiry.

std::optional<base::Instant> ConfiguredNames::expiry(const Entry& entry, std::size_t family) const {
    const FamilyState& one = entry.family[family];
    const bool unresolved = entry.published == Published::unresolved;
    if (one.addresses.empty() && !unresolved) return std::nullopt;
    std::optional<base::Instant> at = entry.denied_until;
    if (one.is_failing()) at = std::min(at.value_or(base::Instant::max()), one.valid_until + stale_max_);
    return at;
}

void ConfiguredNames::drop_expired(Entry& entry, base::Instant now, NameReport& report) const {
    std::string lost;
    for (std::size_t i = 0; i < families.size(); ++i) {
        const auto at = expiry(entry, i);
        if (!at || now < *at) continue;
        const bool unresolved = entry.published == Published::unresolved;
        if (!lost.empty()) lost += ", ";
        lost += unresolved ? "its previous addresses" : base::to_string(entry.family[i].addresses);
        entry.family[i].addresses.clear();
        if (unresolved) break;
    }
    if (lost.empty()) return;
    const bool denied = entry.denied_until && now >= *entry.denied_until;
    entry.publish(report);
    if (entry.addresses.empty()) entry.denied_until.reset();
    const std::string rest =
        entry.addresses.empty() ? "it has no addresses now" : "using " + base::to_string(entry.addresses);
    entry.log(denied ? msg::name_denied : msg::name_expired,
              fmt::format("{}; {} expired, {}", entry.last_error, lost, rest), report);
}

std::vector<NameReport> ConfiguredNames::expire(base::Instant now) {
    std::vector<NameReport> reports;
    for (Entry& entry : names_) {
        NameReport report;
        drop_expired(entry, now, report);
        if (report.update || !report.events.empty()) reports.push_back(std::move(report));
    }
    return reports;
}

std::optional<base::Instant> ConfiguredNames::next_event() const {
    std::optional<base::Instant> first;
    const auto consider = [&first](const std::optional<base::Instant>& at) {
        if (at && (!first || *at < *first)) first = at;
    };
    for (const Entry& entry : names_) {
        consider(entry.due);
        if (entry.retry) consider(entry.retry->due);
        for (std::size_t i = 0; i < families.size(); ++i)
            consider(expiry(entry, i));
    }
    return first;
}

// What is known.

std::vector<ipc::NameUpdate> ConfiguredNames::initial_updates() const {
    std::vector<ipc::NameUpdate> updates;
    for (const Entry& entry : names_)
        if (entry.published != Published::nothing) updates.push_back(entry.update());
    return updates;
}

ipc::NameUpdate ConfiguredNames::current_update(std::string_view name) const {
    return std::ranges::lower_bound(names_, name, {}, &Entry::name)->update();
}

void log_events(const NameReport& report) {
    for (const NameReport::Event& event : report.events)
        base::log::write(*event.message, "{}", event.text);
}

}  // namespace resolvers
