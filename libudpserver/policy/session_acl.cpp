#include "libudpserver/policy/session_acl.hpp"

#include <fmt/core.h>

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
    const Host client{address, question.client_names};
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Match match = judge(rules_[i], client, question).match;
        if (match != Match::no) return {match, i};
    }
    return {};
}

SessionAcl::CompiledRule SessionAcl::compile(const conf::Rule& rule, const conf::Config& config,
                                             const Names& names) {
    CompiledRule compiled{rule, HostList(rule.from, config.lists, names), {}, false, false, 0};
    for (const conf::Destination& destination : rule.to) {
        conf::HostItem host = destination.host;
        const bool negated = std::exchange(host.negated, false);
        HostList matcher({host}, config.lists, names);
        // The proxy looks up no reverse names of its own addresses.
        if (matcher.has_patterns())
            throw std::invalid_argument("rule '" + rule.name +
                                        "': a regular expression is not allowed in 'to'");
        compiled.to_depends_on_names = compiled.to_depends_on_names || matcher.depends_on_names();
        compiled.to.push_back({std::move(matcher), destination.port, negated});
        compiled.positive_to = compiled.positive_to || !negated;
    }
    for (const std::uint8_t value : rule.dscp.match)
        if (value < 64) compiled.dscp |= std::uint64_t{1} << value;
    return compiled;
}

/// An undecided condition does not stop it: if a later one fails, no name need be known.
SessionAcl::Judgement SessionAcl::judge(const CompiledRule& rule, const Host& client,
                                        const Question& question) {
    Judgement judgement;
    const auto decided = [&](Condition condition, Match match) {
        match = both(judgement.match, match);
        if (match != judgement.match) judgement = {match, condition};
        return match == Match::no;
    };
    const auto certain = [](bool holds) { return holds ? Match::yes : Match::no; };
    decided(Condition::from, rule.from.match(client)) ||
        decided(Condition::to, match_destination(rule, question.local)) ||
        decided(Condition::time, certain(time_matches(rule, question.time))) ||
        decided(Condition::dscp, certain(dscp_matches(rule, question.dscp)));
    return judgement;
}

/// As in host lists: a negated item excludes; without positive items, everything else matches.
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

bool SessionAcl::dscp_matches(const CompiledRule& rule, std::uint8_t dscp) {
    return rule.rule.dscp.match.empty() || (rule.dscp >> (dscp & 63) & 1) != 0;
}

bool SessionAcl::may_have_matched(std::size_t rule, const Question& question) const {
    const base::Address address = question.client.address();
    const Host client{address, question.client_names};
    for (std::size_t i = 0; i < rule; ++i)
        if (judge_at_any_time(rules_[i], client, question) == Match::yes) return false;
    return judge_at_any_time(rules_.at(rule), client, question) != Match::no;
}

/// Undecided if a time or a name decides, which may have been another then.
Match SessionAcl::judge_at_any_time(const CompiledRule& rule, const Host& client, const Question& question) {
    if (!dscp_matches(rule, question.dscp)) return Match::no;
    const Match from = rule.from.depends_on_names() ? Match::needs_names : rule.from.match(client);
    const Match to = rule.to_depends_on_names ? Match::needs_names : match_destination(rule, question.local);
    return both(both(from, to), rule.rule.time.empty() ? Match::yes : Match::needs_names);
}

// For administrators: nothing below is fast.
// -------------------------------------------------------------------------------------------------------

std::vector<SessionAcl::Step> SessionAcl::explain(const Question& question) const {
    const base::Address address = question.client.address();
    const Host client{address, question.client_names};
    std::vector<Step> steps;
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        const Judgement judgement = judge(rules_[i], client, question);
        steps.push_back({i, judgement.match == Match::yes, undecided(judgement.match),
                         describe(rules_[i], judgement, question)});
        if (judgement.match != Match::no) break;
    }
    return steps;
}

std::string SessionAcl::describe(const CompiledRule& rule, const Judgement& judgement,
                                 const Question& question) const {
    switch (judgement.match) {
        case Match::no:
            return subject(judgement.condition, question) + why_not(rule, judgement.condition, question);
        case Match::needs_client_names:
            return "from: the client's names are not known";
        case Match::needs_names:
            return fmt::format("{}: depends on {}, which is not resolved yet",
                               judgement.condition == Condition::from ? "from" : "to",
                               missing_name(rule, judgement.condition, question));
        case Match::yes:
            break;
    }
    return "all conditions hold";
}

std::string SessionAcl::subject(Condition condition, const Question& question) {
    switch (condition) {
        case Condition::from:
            return fmt::format("from: {} ", base::to_string(question.client.address()));
        case Condition::to:
            return fmt::format("to: {} ", base::to_string(question.local));
        case Condition::time:
            return fmt::format("time: {} ", to_string(question.time));
        case Condition::dscp:
            return fmt::format("dscp: {} ", question.dscp);
        case Condition::all_hold:
            break;
    }
    return {};
}

std::string SessionAcl::why_not(const CompiledRule& rule, Condition condition,
                                const Question& question) const {
    if (condition == Condition::time) return "is in no window";
    if (condition == Condition::from &&
        rule.from.excludes({question.client.address(), question.client_names})) {
        return "is excluded by an item with '!'";
    }
    std::vector<std::size_t> empty;
    if (condition == Condition::from) empty = rule.from.names_without_address();
    if (condition == Condition::to) {
        for (const CompiledDestination& destination : rule.to) {
            if (destination.negated) continue;
            const auto more = destination.host.names_without_address();
            empty.insert(empty.end(), more.begin(), more.end());
        }
    }
    std::string why = "is not in the list";
    for (const std::size_t name : empty)
        why += fmt::format("; {} has no address", names_.name(name));
    return why;
}

std::string SessionAcl::missing_name(const CompiledRule& rule, Condition condition,
                                     const Question& question) const {
    std::optional<std::size_t> name;
    if (condition == Condition::from) {
        name = rule.from.missing_name({question.client.address(), question.client_names});
    } else {
        for (const CompiledDestination& destination : rule.to) {
            if (!name && destination.port.contains(question.local.port))
                name = destination.host.missing_name({question.local.address()});
        }
    }
    return name ? names_.name(*name) : "a name";
}

}  // namespace policy
