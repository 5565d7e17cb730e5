#include "libudpserver/policy/policy.hpp"

#include <fmt/format.h>

#include <utility>

namespace policy {

using Kind = Decision::Kind;

Policy::Policy(const conf::Config& config, Targets::IsOwn is_own)
    : names_(config), acl_(config, names_), targets_(config, names_, std::move(is_own)) {}

Decision Policy::decide(const Question& question) const {
    const auto [match, rule] = acl_.first_match(question);
    switch (match) {
        case Match::no:
            return {Kind::deny, std::nullopt, {}};
        case Match::needs_names:
            return {Kind::awaits_names, rule, {}};
        case Match::needs_client_names:
            return {Kind::awaits_client_names, rule, {}};
        case Match::yes:
            break;
    }
    if (acl_.rule(rule).action == conf::Action::deny) return {Kind::deny, rule, {}};
    if (const conf::Server* server = server_for(rule, question.client.address()))
        return {Kind::accept, rule, server->endpoint};
    return {targets_.waiting(rule) ? Kind::awaits_server : Kind::no_server, rule, {}};
}

Explanation Policy::explain(const Question& question) const {
    Explanation result{acl_.explain(question), decide(question), {}, {}, {}};
    if (result.decision.kind != Kind::deny && !result.decision.awaits_rule()) {
        result.servers = targets_.of(*result.decision.rule);
        result.idle_names = targets_.idle_names(*result.decision.rule);
    }
    result.why = why(result);
    return result;
}

std::string Policy::why(const Explanation& explanation) const {
    const auto& [kind, rule, server] = explanation.decision;
    switch (kind) {
        case Kind::accept:
            return {};
        case Kind::deny:
            return rule ? "the rule denies it" : "no rule matches";
        case Kind::no_server:
        case Kind::awaits_server:
            return explanation.idle_names.empty()
                       ? "it has no plug-to"
                       : fmt::format("{}", fmt::join(explanation.idle_names, ", "));
        default:
            return explanation.steps.back().why;
    }
}

void Policy::set_addresses(std::size_t name, Names::Addresses addresses) {
    const Names::Addresses before = names_.addresses(name);
    names_.set(name, std::move(addresses));
    if (names_.addresses(name) != before) targets_.update(name);
}

const conf::Server* Policy::server_for(std::size_t rule, const base::Address& client,
                                       const IsAvoided& is_avoided) const {
    const std::vector<conf::Server>& servers = targets_.of(rule);
    const std::size_t chosen = choose_server(servers, client, is_avoided);
    return chosen < servers.size() ? &servers[chosen] : nullptr;
}

}  // namespace policy
