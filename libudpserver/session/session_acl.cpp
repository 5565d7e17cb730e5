#include "libudpserver/session/session_acl.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "libudpserver/session/time_window.hpp"

namespace session {

SessionAcl::SessionAcl(const conf::Config& config) {
    rules_.reserve(config.session_acl.size());
    for (const conf::Rule& rule : config.session_acl) {
        rules_.push_back(compile(rule, config));
        uses_time_ = uses_time_ || !rule.time.empty();
    }
}

std::optional<std::size_t> SessionAcl::first_match(const Question& question) const {
    for (std::size_t i = 0; i < rules_.size(); ++i)
        if (first_failure(rules_[i], question) == Condition::all_hold) return i;
    return std::nullopt;
}

std::vector<SessionAcl::Step> SessionAcl::explain(const Question& question) const {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Condition failed = first_failure(rules_[i], question);
        steps.push_back({i, failed == Condition::all_hold, describe(rules_[i], failed, question)});
        if (steps.back().matched) break;
    }
    return steps;
}

SessionAcl::CompiledRule SessionAcl::compile(const conf::Rule& rule, const conf::Config& config) {
    CompiledRule compiled{rule, AddressMatcher(rule.from, config.lists), {}, false, 0};
    for (const conf::Destination& destination : rule.to) {
        conf::HostItem host = destination.host;
        const bool negated = std::exchange(host.negated, false);
        compiled.to.push_back({AddressMatcher({host}, config.lists), destination.port, negated});
        compiled.positive_to = compiled.positive_to || !negated;
    }
    for (const std::uint8_t value : rule.dscp.match)
        if (value < 64) compiled.dscp |= std::uint64_t{1} << value;
    return compiled;
}

SessionAcl::Condition SessionAcl::first_failure(const CompiledRule& rule, const Question& question) {
    if (!rule.from.matches(question.client.address())) return Condition::from;
    if (!destination_matches(rule, question.local)) return Condition::to;
    if (!time_matches(rule, question.time)) return Condition::time;
    if (!rule.rule.dscp.match.empty() && (rule.dscp >> (question.dscp & 63) & 1) == 0) return Condition::dscp;
    return Condition::all_hold;
}

/// As in host lists: a negated item excludes, and stands for the rest when there are no others.
bool SessionAcl::destination_matches(const CompiledRule& rule, const base::Endpoint& local) {
    bool matched = !rule.positive_to;
    for (const CompiledDestination& destination : rule.to) {
        if (!destination.port.contains(local.port) || !destination.host.matches(local.address())) continue;
        if (destination.negated) return false;
        matched = true;
    }
    return matched;
}

bool SessionAcl::time_matches(const CompiledRule& rule, const base::LocalTime& time) {
    const auto& windows = rule.rule.time;
    return windows.empty() ||
           std::any_of(windows.begin(), windows.end(),
                       [&](const conf::TimeWindow& window) { return contains(window, time); });
}

std::string SessionAcl::describe(const CompiledRule& rule, Condition failed, const Question& question) {
    switch (failed) {
        case Condition::from:
            return fmt::format("from: {} {}", base::to_string(question.client.address()),
                               rule.from.excludes(question.client.address())
                                   ? "is excluded by an item with '!'"
                                   : "is not in the list");
        case Condition::to:
            return fmt::format("to: {} is not in the list", base::to_string(question.local));
        case Condition::time:
            return fmt::format("time: {} is in no window", to_string(question.time));
        case Condition::dscp:
            return fmt::format("dscp: {} is not in the list", question.dscp);
        case Condition::all_hold:
            break;
    }
    return "all conditions hold";
}

}  // namespace session
