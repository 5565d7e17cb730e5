// Why the policy decides as it does, in words: for `proxyd -t` only, so nothing here needs to be quick.

#include <fmt/core.h>

#include "libudpserver/policy/session_acl.hpp"
#include "libudpserver/policy/time_window.hpp"

namespace policy {

std::vector<SessionAcl::Step> SessionAcl::explain(const Question& question) const {
    const base::Address address = question.client.address();
    const Asked client{address, question.client_names};
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
            return "from: the names of the client are not known";
        case Match::needs_names:
            return fmt::format("{}: depends on {}, which is not known",
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
    if (condition == Condition::from) empty = rule.from.names_of_nothing();
    if (condition == Condition::to) {
        for (const CompiledDestination& destination : rule.to) {
            if (destination.negated) continue;
            const auto more = destination.host.names_of_nothing();
            empty.insert(empty.end(), more.begin(), more.end());
        }
    }
    std::string why = "is not in the list";
    for (const std::size_t name : empty)
        why += fmt::format("; {} means nothing now", names_.name(name));
    return why;
}

std::string SessionAcl::missing_name(const CompiledRule& rule, Condition condition,
                                     const Question& question) const {
    std::optional<std::size_t> name;
    if (condition == Condition::from) {
        name = rule.from.unknown_name({question.client.address(), question.client_names});
    } else {
        for (const CompiledDestination& destination : rule.to) {
            if (!name && destination.port.contains(question.local.port))
                name = destination.host.unknown_name({question.local.address()});
        }
    }
    return name ? names_.name(*name) : "a name";
}

}  // namespace policy
