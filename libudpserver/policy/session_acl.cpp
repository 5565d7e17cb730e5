#include "libudpserver/policy/session_acl.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "libudpserver/policy/time_window.hpp"

namespace policy {

SessionAcl::SessionAcl(const conf::Config& config, const Names& names) : names_(names) {
    rules_.reserve(config.session_acl.size());
    for (const conf::Rule& rule : config.session_acl) {
        rules_.push_back(compile(rule, config, names));
        uses_time_ = uses_time_ || !rule.time.empty();
    }
}

SessionAcl::Result SessionAcl::first_match(const Question& question) const {
    const base::Address address = question.client.address();
    const Asked client{address, question.client_names};
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Match match = judge(rules_[i], client, question).match;
        if (match != Match::no) return {match, i};
    }
    return {};
}

SessionAcl::CompiledRule SessionAcl::compile(const conf::Rule& rule, const conf::Config& config,
                                             const Names& names) {
    CompiledRule compiled{rule, AddressMatcher(rule.from, config.lists, names), {}, false, 0};
    for (const conf::Destination& destination : rule.to) {
        conf::HostItem host = destination.host;
        const bool negated = std::exchange(host.negated, false);
        AddressMatcher matcher({host}, config.lists, names);
        // Nobody asks for names of the proxy's own addresses.
        if (matcher.has_patterns())
            throw std::invalid_argument("rule '" + rule.name +
                                        "': a regular expression cannot stand in 'to'");
        compiled.to.push_back({std::move(matcher), destination.port, negated});
        compiled.positive_to = compiled.positive_to || !negated;
    }
    for (const std::uint8_t value : rule.dscp.match)
        if (value < 64) compiled.dscp |= std::uint64_t{1} << value;
    return compiled;
}

/// Goes on after a condition that is not decided: one that fails makes it idle to know more.
SessionAcl::Judgement SessionAcl::judge(const CompiledRule& rule, const Asked& client,
                                        const Question& question) {
    Judgement judgement;
    const auto decided = [&](Condition condition, Match match) {
        match = both(judgement.match, match);
        if (match != judgement.match) judgement = {match, condition};
        return match == Match::no;
    };
    const auto certain = [](bool holds) { return holds ? Match::yes : Match::no; };
    const auto& dscp = rule.rule.dscp.match;
    decided(Condition::from, rule.from.match(client)) ||
        decided(Condition::to, match_destination(rule, question.local)) ||
        decided(Condition::time, certain(time_matches(rule, question.time))) ||
        decided(Condition::dscp, certain(dscp.empty() || (rule.dscp >> (question.dscp & 63) & 1) != 0));
    return judgement;
}

/// As in host lists: a negated item excludes, and stands for the rest when there are no others.
Match SessionAcl::match_destination(const CompiledRule& rule, const base::Endpoint& local) {
    Match positive = rule.positive_to ? Match::no : Match::yes, negated = Match::no;
    for (const CompiledDestination& destination : rule.to) {
        if (!destination.port.contains(local.port)) continue;
        Match& sum = destination.negated ? negated : positive;
        sum = either(sum, destination.host.match({local.address()}));
    }
    return both(positive, inverse(negated));
}

bool SessionAcl::time_matches(const CompiledRule& rule, const base::LocalTime& time) {
    const auto& windows = rule.rule.time;
    return windows.empty() ||
           std::any_of(windows.begin(), windows.end(),
                       [&](const conf::TimeWindow& window) { return contains(window, time); });
}

}  // namespace policy
