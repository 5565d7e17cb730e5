#include "libudpserver/policy/simulate.hpp"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

#include "conf/address_block.hpp"
#include "conf/load.hpp"
#include "libudpserver/policy/server_choice.hpp"
#include "libudpserver/policy/session_acl.hpp"
#include "libudpserver/policy/simulate_question.hpp"
#include "libudpserver/policy/targets.hpp"
#include "libudpserver/policy/time_window.hpp"

namespace policy {

namespace {

constexpr std::string_view usage =
    "usage: from HOST[:PORT] to HOST[:PORT] [at [DAY] HH:MM] [dscp N]   what happens to this client\n"
    "       show-acl     the policy, defaults included\n"
    "       show-hash    the fingerprint of the configuration\n"
    "       help         this text\n"
    "HOST is an address (IPv6 with a port: [2001:db8::1]:53), DAY is Mon to Sun, N is 0 to 63.\n"
    "Without `at` the time is now; without a port `to` takes the one that the address listens on.\n";

std::string joined(const std::vector<std::string>& words) {
    return fmt::format("{}", fmt::join(words, ", "));
}

/// Of the machine's own addresses only those of loopback are known here.
bool is_own(const conf::Config& config, const base::Endpoint& endpoint) {
    const conf::ListenOn* listen = listener_of(config, endpoint);
    return listen != nullptr && (!listen->address.is_any() || conf::is_loopback(endpoint.address()));
}

std::string text_of(const conf::Server& server) {
    const std::string endpoint = base::to_string(server.endpoint);
    return server.name.empty() ? endpoint : fmt::format("{} ({})", endpoint, server.name);
}

/// For a rule with names: which servers it has now.
std::string list_servers(const conf::Rule& rule, const Targets& targets, std::size_t index) {
    const std::vector<conf::Server>& servers = targets.of(index);
    const bool named = std::any_of(rule.plug_to.begin(), rule.plug_to.end(),
                                   [](const conf::Server& server) { return !server.name.empty(); });
    if (!named) return {};
    std::vector<std::string> all;
    for (const conf::Server& server : servers)
        all.push_back(text_of(server));
    std::string text = servers.size() > 1 ? fmt::format("its servers: {}\n", joined(all)) : "";
    for (const std::string& name : targets.idle_names(index))
        text += fmt::format("no server: {}\n", name);
    return text;
}

std::string verdict(const conf::Config& config, std::size_t index, const Question& question,
                    const Names& names) {
    const conf::Rule& rule = config.session_acl[index];
    if (rule.action == conf::Action::deny) return fmt::format("denied by rule {}\n", rule.name);
    if (rule.plug_to.empty()) return fmt::format("refused: rule {} accepts, but has no plug-to\n", rule.name);
    const Targets targets(config, names, [&](const auto& endpoint) { return is_own(config, endpoint); });
    const auto& servers = targets.of(index);
    const std::size_t server = choose_server(servers, question.client.address());
    if (server < servers.size())
        return fmt::format("accepted by rule {}, server {}\n{}", rule.name, text_of(servers[server]),
                           list_servers(rule, targets, index));
    const std::string why = joined(targets.idle_names(index));
    if (targets.waiting(index))
        return fmt::format("undecided: rule {} accepts, but its server depends on what is not known: {}\n",
                           rule.name, why);
    return fmt::format("refused: rule {} accepts, but no server: {}\n", rule.name, why);
}

std::string verdict(const conf::Config& config, const std::vector<SessionAcl::Step>& steps,
                    const Question& question, const Names& names) {
    if (steps.empty()) return "denied: no rule matches\n";
    const SessionAcl::Step& last = steps.back();
    if (last.undecided)
        return fmt::format("undecided: rule {} depends on what is not known\n",
                           config.session_acl[last.rule].name);
    return last.matched ? verdict(config, last.rule, question, names) : "denied: no rule matches\n";
}

std::string header(const Question& question) {
    const bool any_port = question.client.port == 0;
    return fmt::format(
        "client {}{} to {} at {} dscp {}\n",
        any_port ? base::to_string(question.client.address()) : base::to_string(question.client),
        any_port ? " (any port)" : "", base::to_string(question.local), to_string(question.time),
        question.dscp);
}

const char* word(const SessionAcl::Step& step) {
    return step.matched ? "matches" : step.undecided ? "undecided" : "no";
}

std::string simulate_client(const conf::Config& config, Question question, const Names& names,
                            const AskClientNames& client_names) {
    const SessionAcl acl(config, names);
    std::string text = header(question);
    std::optional<std::vector<std::string>> found;
    if (client_names && acl.first_match(question).match == Match::needs_client_names) {
        found = client_names(question.client.address());
        if (found)
            text += found->empty() ? "the client has no name\n" : "its names: " + joined(*found) + "\n";
        question.client_names = found ? &*found : nullptr;
    }
    const auto steps = acl.explain(question);
    for (const auto& step : steps)
        text += fmt::format("rule {}: {}: {}\n", acl.rule(step.rule).name, word(step), step.why);
    text += verdict(config, steps, question, names);
    // Last, because it makes the verdict worth nothing.
    if (listener_of(config, question.local) == nullptr)
        text += "note: nothing listens there, so the proxy never sees this client; see listen-on\n";
    return text;
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

Simulation command(std::string_view word, const conf::Config& config) {
    if (word == "help") return {std::string(usage), true};
    if (word == "show-hash") return {fmt::format("{:016x}\n", conf::fingerprint(config)), true};
    return {show_acl(config), true};
}

}  // namespace

Simulation simulate(const conf::Config& config, std::string_view expression, const Names& names,
                    const AskClientNames& client_names, const base::LocalTime& now) {
    try {
        Words words(expression);
        if (!words.more()) misused("the expression is empty");
        const std::string_view first = words.peek();
        if (first == "help" || first == "show-acl" || first == "show-hash") {
            words.take(first);
            if (words.more()) misused("nothing is expected after '{}'", first);
            return command(first, config);
        }
        const Question question = parse_question(config, words, now);
        return {simulate_client(config, question, names, client_names), true};
    } catch (const Misused& error) {
        return {fmt::format("{}\n{}", error.what(), usage), false};
    }
}

Simulation simulate(const conf::Config& config, std::string_view expression, const base::LocalTime& now) {
    return simulate(config, expression, Names(config), {}, now);
}

}  // namespace policy
