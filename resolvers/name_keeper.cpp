#include "resolvers/name_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"

namespace resolvers {
namespace {

namespace msg = base::msg;

Answer failure(std::string detail) {
    Answer answer;
    answer.status = Answer::server_failure;
    answer.detail = std::move(detail);
    return answer;
}

// An answer that says nothing, or more than anybody can be told at once, as what it means.
Answer sound(const Answer& answer) {
    if (answer.status != Answer::ok) return answer;
    const std::size_t count = answer.addresses.size();
    if (count > ipc::max_results)
        return failure(fmt::format("{} addresses, {} at most can be used", count, ipc::max_results));
    Answer all = answer;
    if (count == 0) all.status = Answer::no_data;
    return all;
}

std::string reason(const Answer& answer) {
    std::string text(to_string(answer.status));
    return answer.detail.empty() ? text : text + " (" + answer.detail + ")";
}

// In whole seconds; nobody reads milliseconds here.
std::string span(base::Duration duration) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(std::max(duration, base::Duration::zero()));
    return base::format_duration(seconds);
}

}  // namespace

NameKeeper::NameKeeper(const std::vector<std::string>& names, base::Duration stale_max, base::Instant start,
                       const KnownNames& known)
    : table_(stale_max) {
    for (const std::string& name : names) {
        table_.add(name, start);
        names_.try_emplace(name);
    }
    for (const auto& [name, addresses] : known.all()) {
        const auto kept = names_.find(name);
        if (kept == names_.end()) continue;
        table_.recall(name, addresses, start);
        kept->second.state = addresses.empty() ? State::denied : State::good;
        kept->second.told = true;
    }
}

std::vector<ipc::NameNews> NameKeeper::recalled() const {
    std::vector<ipc::NameNews> all;
    for (const auto& [name, kept] : names_)
        if (kept.told) all.push_back({name, false, table_.addresses(name)});
    return all;
}

NameReport NameKeeper::take(const std::string& name, const Answer& answer, base::Instant now) {
    NameReport report;
    const auto found = names_.find(name);
    if (found == names_.end()) return report;
    Kept& kept = found->second;
    const Answer all = sound(answer);
    if (all.status != Answer::ok) {
        kept.trouble = reason(all);
        kept.trouble_at = now;
    }
    if (all.status == Answer::ok) {
        take_good(name, kept, table_.update(name, all, now), report);
    } else if (is_denial(all.status)) {
        take_denial(name, kept, table_.update(name, all, now), report);
    } else {
        take_failure(name, kept, all, now, report);
        if (may_be_given_up(name, kept) && now >= table_.given_up_at(name)) give_up(name, kept, now, report);
    }
    return report;
}

void NameKeeper::take_good(const std::string& name, Kept& kept, bool changed, NameReport& report) {
    if (kept.state == State::failing || kept.state == State::failing_private)
        report.events.push_back({&msg::name_recovered, fmt::format("name {}: resolved again: {}", name,
                                                                   to_string(table_.addresses(name)))});
    kept.state = State::good;
    kept.given_up = false;
    if (!kept.told || kept.unresolved || changed) tell(name, kept, false, report);
}

void NameKeeper::take_denial(const std::string& name, Kept& kept, bool changed, NameReport& report) {
    if (kept.state != State::denied)
        report.events.push_back(
            {&msg::name_denied, fmt::format("name {}: {}: it means nothing now", name, kept.trouble)});
    kept.state = State::denied;
    kept.given_up = false;
    if (!kept.told || kept.unresolved || changed) tell(name, kept, false, report);
}

void NameKeeper::take_failure(const std::string& name, Kept& kept, const Answer& answer, base::Instant now,
                              NameReport& report) {
    const auto& addresses = table_.addresses(name);
    const auto left = addresses.empty() ? std::string("it has no address here")
                                        : fmt::format("{} stays in use, {} at most", to_string(addresses),
                                                      span(*table_.given_up_at(name) - now));
    const bool is_private = answer.status == Answer::refused_private;
    const bool failing = kept.state == State::failing || kept.state == State::failing_private;
    // In a row of failures a private address is news all the same: perhaps somebody forges answers.
    if (is_private && kept.state != State::failing_private)
        report.events.push_back(
            {&msg::name_private, fmt::format("name {}: {}; {}", name, kept.trouble, left)});
    else if (!failing)
        report.events.push_back(
            {&msg::name_failed, fmt::format("name {}: {}; {}", name, kept.trouble, left)});
    if (is_private)
        kept.state = State::failing_private;
    else if (!failing)
        kept.state = State::failing;
    if (!kept.told) tell(name, kept, true, report);
}

bool NameKeeper::may_be_given_up(const std::string& name, const Kept& kept) const {
    const bool failing = kept.state == State::failing || kept.state == State::failing_private;
    return failing && !kept.given_up && (kept.unresolved || !table_.addresses(name).empty());
}

void NameKeeper::give_up(const std::string& name, Kept& kept, base::Instant now, NameReport& report) {
    const std::string before = kept.unresolved ? "what it meant before" : to_string(table_.addresses(name));
    report.events.push_back({&msg::name_expired, fmt::format("name {}: {}; {} is given up, it means nothing",
                                                             name, kept.trouble, before)});
    table_.update(name, failure("given up"), now);
    kept.given_up = true;
    tell(name, kept, false, report);
}

void NameKeeper::tell(const std::string& name, Kept& kept, bool unresolved, NameReport& report) {
    kept.told = true;
    kept.unresolved = unresolved;
    report.news = ipc::NameNews{name, unresolved, table_.addresses(name)};
}

std::optional<base::Instant> NameKeeper::next_expiry() const {
    std::optional<base::Instant> first;
    for (const auto& [name, kept] : names_) {
        if (!may_be_given_up(name, kept)) continue;
        const auto at = table_.given_up_at(name);
        if (!first || *at < *first) first = at;
    }
    return first;
}

std::vector<NameReport> NameKeeper::expire(base::Instant now) {
    std::vector<NameReport> reports;
    for (auto& [name, kept] : names_) {
        if (!may_be_given_up(name, kept) || now < table_.given_up_at(name)) continue;
        give_up(name, kept, now, reports.emplace_back());
    }
    return reports;
}

std::vector<NameFacts> NameKeeper::facts(base::Instant now) const {
    std::vector<NameFacts> all;
    for (const auto& [name, kept] : names_)
        all.push_back(facts(name, kept, now));
    return all;
}

NameFacts NameKeeper::facts(const std::string& name, const Kept& kept, base::Instant now) const {
    NameFacts facts{.name = name, .state = state(name, kept, now), .addresses = table_.addresses(name)};
    if (!facts.addresses.empty()) {
        const bool stale = facts.state == NameFacts::stale;
        facts.expires_in = (stale ? *table_.given_up_at(name) : *table_.good_until(name)) - now;
    }
    facts.trouble = kept.trouble;
    if (!kept.trouble.empty()) facts.trouble_ago = now - kept.trouble_at;
    return facts;
}

NameFacts::State NameKeeper::state(const std::string& name, const Kept& kept, base::Instant now) const {
    if (!table_.addresses(name).empty())
        return table_.stale(name, now) ? NameFacts::stale : NameFacts::resolved;
    if (kept.state == State::asked) return NameFacts::asked;
    return kept.state == State::denied ? NameFacts::denied : NameFacts::failed;
}

std::vector<std::string> NameKeeper::info(base::Instant now) const {
    std::vector<std::string> lines;
    for (const NameFacts& name : facts(now)) {
        std::string text = "name " + name.name + ": ";
        text += name.state == NameFacts::asked ? "not resolved yet" : to_string(name.addresses);
        if (!name.addresses.empty())
            text += (name.state == NameFacts::stale ? ", expired, given up in " : ", expires in ") +
                    span(name.expires_in);
        if (!name.trouble.empty())
            text += "; last trouble " + span(name.trouble_ago) + " ago: " + name.trouble;
        lines.push_back(std::move(text));
    }
    return lines;
}

std::string_view to_string(NameFacts::State state) {
    constexpr std::string_view words[] = {"asked", "resolved", "stale", "denied", "failed"};
    return words[state];
}

void deliver(const NameReport& report, NameSink* sink) {
    for (const NameEvent& event : report.events)
        base::log::write(*event.message, "{}", event.text);
    if (sink && report.news) sink->tell(*report.news);
}

}  // namespace resolvers
