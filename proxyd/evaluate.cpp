#include "proxyd/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/local_addresses.hpp"
#include "base/text.hpp"
#include "conf/address_block.hpp"
#include "conf/load.hpp"
#include "conf/names.hpp"
#include "conf/reach.hpp"
#include "libudpserver/policy/time_window.hpp"
#include "resolvers/resolve_once.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

namespace {

using policy::Decision;
using policy::Explanation;
using policy::Question;

constexpr std::string_view expression_usage =
    "usage: from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]   what the policy does with this "
    "client\n"
    "       show-acl     the policy, defaults included\n"
    "       show-hash    the fingerprint of the configuration\n"
    "       help         this text\n"
    "HOST is an address (IPv6 with a port: [2001:db8::1]:53), DAY is Mon to Sun, N is 0 to 63.\n"
    "The default time is now; the default port of `to` is the one that the address listens on.\n";

bool is_own(const conf::Config& config, const base::Endpoint& endpoint) {
    const conf::ListenOn* listen = policy::listener_of(config, endpoint);
    if (listen == nullptr) return false;
    const base::Address address = endpoint.address();
    if (!listen->address.is_any() || conf::is_loopback(address)) return true;
    const auto local = base::local_addresses();
    return local && std::binary_search(local->begin(), local->end(), address);
}

std::string text_of(const conf::Server& server) {
    const std::string endpoint = base::to_string(server.endpoint);
    return server.name.empty() ? endpoint : fmt::format("{} ({})", endpoint, server.name);
}

std::string text_of(const Question& question) {
    const bool any_port = question.client.port == 0;
    return fmt::format(
        "client {}{} to {} at {} dscp {}\n",
        any_port ? base::to_string(question.client.address()) : base::to_string(question.client),
        any_port ? " (any port)" : "", base::to_string(question.local), policy::to_string(question.time),
        question.dscp);
}

std::string decision_text(const Explanation& explanation, const conf::Config& config) {
    const Decision& decision = explanation.decision;
    const std::string rule = decision.rule ? "rule " + config.session_acl[*decision.rule].name : "";
    switch (decision.kind) {
        case Decision::Kind::accept:
            return fmt::format(
                "accepted by {}, server {}\n", rule,
                text_of(*std::ranges::find(explanation.servers, decision.server, &conf::Server::endpoint)));
        case Decision::Kind::deny:
            return decision.rule ? fmt::format("denied by {}\n", rule)
                                 : fmt::format("denied: {}\n", explanation.why);
        case Decision::Kind::no_server:
            return fmt::format("refused: {} accepts, but {}\n", rule, explanation.why);
        case Decision::Kind::awaits_server:
            return fmt::format("undecided: {} accepts, but {}\n", rule, explanation.why);
        default:
            return fmt::format("undecided: {}: {}\n", rule, explanation.why);
    }
}

/// For a rule with names: all its servers, and the names that give none.
std::string servers_text(const Explanation& explanation) {
    if (explanation.decision.kind != Decision::Kind::accept) return {};
    const bool named = std::ranges::any_of(explanation.servers,
                                           [](const conf::Server& server) { return !server.name.empty(); });
    std::string text;
    if (named && explanation.servers.size() > 1) {
        std::vector<std::string> all;
        for (const conf::Server& server : explanation.servers)
            all.push_back(text_of(server));
        text = fmt::format("its servers: {}\n", base::joined(all));
    }
    for (const std::string& name : explanation.idle_names)
        text += fmt::format("no server: {}\n", name);
    return text;
}

std::string evaluate_client(const conf::Config& config, Question question, const EvaluationLookups& lookups) {
    policy::Policy policy(config, [&config](const auto& endpoint) { return is_own(config, endpoint); });
    if (lookups.resolve_names) lookups.resolve_names(policy);
    std::string text = text_of(question);
    std::optional<std::vector<std::string>> names;
    if (lookups.client_names && policy.decide(question).kind == Decision::Kind::awaits_client_names) {
        names = lookups.client_names(question.client.address());
        if (names)
            text += names->empty() ? "the client has no name\n" : "its names: " + base::joined(*names) + "\n";
        question.client_names = names ? &*names : nullptr;
    }
    const Explanation explanation = policy.explain(question);
    for (const auto& step : explanation.steps) {
        const char* word = step.matched ? "matches" : step.undecided ? "undecided" : "no";
        text += fmt::format("rule {}: {}: {}\n", policy.rule(step.rule).name, word, step.why);
    }
    const bool is_server = policy.is_server(question.client);
    if (question.client.port != 0 && (is_server || is_own(config, question.client)))
        text += fmt::format(
            "refused (bad-source): the client's address and port are {}'s, so its answers "
            "would loop\n",
            is_server ? "a server" : "this proxy");
    else
        text += decision_text(explanation, config) + servers_text(explanation);
    // Last, because it makes the decision worthless.
    if (policy::listener_of(config, question.local) == nullptr)
        text += "note: nothing listens there, so the proxy never sees this client; see listen-on\n";
    return text;
}

/// Which of its ports was asked about.
std::string port_text(const conf::Config& config, const Question& question) {
    const conf::ListenOn* listener = policy::listener_of(config, question.local);
    if (listener == nullptr) return {};
    return fmt::format("note: evaluated for {} (listener {}); for another one, add its port to 'to'\n",
                       base::to_string(question.local), conf::to_string(*listener));
}

/// The section of the effective configuration: the same words, in the same form, as the user's file.
std::string show_acl(const conf::Config& config) {
    const std::string all = conf::print(config);
    std::string section;
    bool inside = false;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\n', at), all.size() - 1) + 1;
        const std::string_view line = std::string_view(all).substr(at, end - at);
        const bool begins_section = line[0] != ' ' && line[0] != '-' && line[0] != '\n';
        if (begins_section) inside = line.starts_with("session-acl:");
        if (inside) section += line;
        at = end;
    }
    return section.empty() ? "session-acl: []\n" : section;
}

}  // namespace

Evaluation evaluate(const conf::Config& config, std::string_view expression, const EvaluationLookups& lookups,
                    const base::LocalTime& now) {
    if (expression == "help") return {std::string(expression_usage), true};
    if (expression == "show-acl") return {show_acl(config), true};
    if (expression == "show-hash") return {fmt::format("{:016x}\n", conf::fingerprint(config)), true};
    try {
        const policy::QuestionText text = policy::split_question(expression);
        const Question question = policy::parse_question(text, config, now);
        const bool has_port = base::parse_endpoint(text.local).has_value();
        return {evaluate_client(config, question, lookups) + (has_port ? "" : port_text(config, question)),
                true};
    } catch (const policy::BadQuestion& error) {
        return {fmt::format("{}\n{}", error.what(), expression_usage), false};
    }
}

EvaluationLookups lookups_once(const conf::Config& config) {
    const auto resolve_names = [&config](policy::Policy& policy) {
        if (policy.names().size() == 0) return;
        const auto settings = resolvers::settings_for_configuration(config.resolver);
        for (auto& update : resolvers::resolve_once(conf::names(config), settings)) {
            const auto name = policy.names().index(update.name);
            if (name && update.unresolved) policy.set_unresolved(*name);
            if (name && !update.unresolved) policy.set_addresses(*name, std::move(update.addresses));
        }
    };
    const auto client_names =
        [&config](const base::Address& client) -> std::optional<std::vector<std::string>> {
        const base::Lookup question{.address = client};
        const auto answer = resolvers::ask_once(resolvers::settings_for_lookups(config.resolver), question);
        if (answer.status != base::LookupAnswer::ok && !is_denial(answer.status)) return std::nullopt;
        return answer.names;
    };
    return {resolve_names, client_names};
}

}  // namespace proxyd
