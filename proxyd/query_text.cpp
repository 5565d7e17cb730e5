#include "proxyd/query_text.hpp"

#include <algorithm>

#include "libudpserver/session/session_record.hpp"
#include "libudpserver/session/simulate_question.hpp"

namespace proxyd {

namespace {

using control::Code;
using control::Failure;
using control::Request;
using control::Row;
using session::Instant;

std::optional<session::EndpointFilter> hosts(const Request& request, const char* name) {
    const auto text = request.text(name);
    if (!text) return std::nullopt;
    const auto filter = session::EndpointFilter::parse(*text);
    if (!filter) {
        throw Failure(Code::usage, std::string(name) +
                                       ": give an address, a network like 10.0.0.0/8, or an address with a "
                                       "port");
    }
    return filter;
}

std::optional<std::uint16_t> rule(const Request& request, const conf::Config& config) {
    const auto name = request.text("rule");
    if (!name) return std::nullopt;
    std::vector<std::string> names;
    for (const conf::Rule& one : config.session_acl) {
        if (one.name == *name) return static_cast<std::uint16_t>(names.size());
        names.push_back(one.name);
    }
    throw Failure(Code::unknown, control::not_among("rule", *name, names));
}

std::optional<conf::SessionType> type(const Request& request) {
    const auto word = request.text("type");
    if (!word) return std::nullopt;
    std::vector<std::string> words;
    for (int number = 0; number <= static_cast<int>(conf::SessionType::broadcast); ++number) {
        const auto one = static_cast<conf::SessionType>(number);
        words.emplace_back(session::to_string(one));
        if (words.back() == *word) return one;
    }
    throw Failure(Code::usage, control::not_among("type", *word, words));
}

std::optional<bool> answered(const Request& request) {
    const auto word = request.text("state");
    if (!word) return std::nullopt;
    if (*word == "answered") return true;
    if (*word == "unanswered") return false;
    throw Failure(Code::usage, control::not_among("state", *word, {"answered", "unanswered"}));
}

std::string id_text(session::Slot slot, std::uint32_t generation) {
    return std::to_string(slot) + "." + std::to_string(generation);
}

/// A rule may be gone from the policy, and a dead REG may leave anything.
std::string rule_name(std::size_t rule, const conf::Config& config) {
    return rule < config.session_acl.size() ? config.session_acl[rule].name : "";
}

void add_counters(Row& row, const session::Counters& counters) {
    row.add("client_datagrams", counters.client_datagrams).add("client_bytes", counters.client_bytes);
    row.add("to_server_datagrams", counters.to_server_datagrams);
    row.add("to_server_bytes", counters.to_server_bytes);
    row.add("server_datagrams", counters.server_datagrams).add("server_bytes", counters.server_bytes);
    row.add("to_client_datagrams", counters.to_client_datagrams);
    row.add("to_client_bytes", counters.to_client_bytes);
}

/// What a limit still allows; nothing for one that is none.
void add_left(Row& row, const char* name, std::uint64_t limit, std::uint64_t used) {
    if (limit > 0) row.add(name, limit - std::min(limit, used));
}

Row limits_left(const session::Details& details, const conf::SessionLimits& limits) {
    Row row;
    if (details.deadline < session::never)
        row.add("time_ms", std::max(details.deadline - details.now, base::Duration{0}));
    const session::Counters& counters = details.found.record.counters;
    add_left(row, "client_datagrams", limits.client_datagrams, counters.client_datagrams);
    add_left(row, "server_datagrams", limits.server_datagrams, counters.server_datagrams);
    add_left(row, "client_bytes", limits.client_bytes, counters.client_bytes);
    add_left(row, "server_bytes", limits.server_bytes, counters.server_bytes);
    return row;
}

const char* decision_word(const session::Explanation& explanation) {
    using Kind = session::Decision::Kind;
    if (explanation.refused_before != session::CloseReason::none) return "deny";
    if (explanation.decision == Kind::needs_names || explanation.decision == Kind::needs_client_names)
        return "wait";
    return explanation.decision == Kind::rule && explanation.reason == session::CloseReason::none ? "accept"
                                                                                                  : "deny";
}

std::string decision_reason(const session::Explanation& explanation) {
    using Kind = session::Decision::Kind;
    if (explanation.refused_before != session::CloseReason::none)
        return std::string(to_string(explanation.refused_before)) + ": before the policy is asked";
    if (explanation.decision == Kind::needs_names) return "a name of the configuration is not known yet";
    if (explanation.decision == Kind::needs_client_names)
        return "the client's names would be looked up first";
    if (explanation.decision == Kind::no_rule) return "no rule matches";
    return explanation.reason == session::CloseReason::none ? "" : std::string(to_string(explanation.reason));
}

}  // namespace

session::SessionFilter filter_of(const Request& request, const conf::Config& config) {
    return {.client = hosts(request, "from"),
            .local = hosts(request, request.has("to") ? "to" : "listener"),
            .server = hosts(request, "server"),
            .rule = rule(request, config),
            .type = type(request),
            .answered = answered(request),
            .older = request.duration("older_ms").value_or(base::Duration{0}),
            .idle = request.duration("idle_ms").value_or(base::Duration{0})};
}

session::SessionId id_of(const Request& request) {
    const auto id = session::SessionId::parse(request.needed_text("id"));
    if (!id) throw Failure(Code::usage, "id: give SLOT.GENERATION, as the command sessions shows it");
    return *id;
}

session::Question question_of(const Request& request, const conf::Config& config) {
    std::string text = "from " + request.needed_text("client") + " to " + request.needed_text("local");
    if (const auto time = request.text("time")) text += " at " + *time;
    if (const auto dscp = request.number("dscp", 0, 63)) text += " dscp " + std::to_string(*dscp);
    try {
        session::Words words(text);
        return session::parse_question(config, words, base::LocalTime::now());
    } catch (const session::Misused& error) {
        throw Failure(Code::usage, error.what());
    }
}

Row row_of(const session::Found& found, const conf::Config& config, Instant now) {
    const session::Record& record = found.record;
    Row row;
    row.add("id", id_text(found.slot, record.generation)).add("client", base::to_string(record.client));
    row.add("local", base::to_string(record.local)).add("server", base::to_string(record.server));
    row.add("rule", rule_name(record.rule, config)).add("type", session::to_string(record.type));
    row.add("worker", record.worker).add("created_ms", now - record.created);
    row.add("idle_ms", now - std::max(record.last_client, record.last_server));
    add_counters(row, record.counters);
    return row.add("answered", record.answered());
}

Row row_of(const session::Details& details, const conf::Config& config) {
    const session::Record& record = details.found.record;
    Row row = row_of(details.found, config, details.now);
    if (record.rule < config.session_acl.size())
        row.add("limits_left", limits_left(details, config.session_acl[record.rule].limits));
    if (!details.client_name.empty()) row.add("client_name", details.client_name);
    row.add("listener", record.listener).add("detached", record.detached != 0).add("holds", details.holds);
    return row.add("why_server", details.server_in_rule ? "the rule's plug-to, by the client's address"
                                                        : "kept from before: the rule no longer has it");
}

Row row_of(const session::Event& event, const conf::Config& config, Instant now) {
    Row row;
    const bool refused = event.kind == session::Event::Kind::refused;
    row.add("event", refused ? "refused" : event.kind == session::Event::Kind::begin ? "begin" : "end");
    row.add("ago_ms", now - event.at);
    if (!refused) row.add("id", id_text(event.slot, event.generation));
    row.add("client", base::to_string(event.client)).add("local", base::to_string(event.local));
    if (!refused) row.add("server", base::to_string(event.server));
    if (event.rule) row.add("rule", rule_name(*event.rule, config));
    if (event.kind != session::Event::Kind::begin) row.add("reason", to_string(event.reason));
    if (event.kind == session::Event::Kind::end) add_counters(row, event.counters);
    return row;
}

Row row_of(const session::SessionAcl::Step& step, const conf::Config& config) {
    Row row;
    row.add("rule", rule_name(step.rule, config)).add("matched", step.matched);
    return row.add("undecided", step.undecided).add("why", step.why);
}

Row decision_of(const session::Explanation& explanation, const conf::Config& config) {
    Row row;
    row.add("decision", decision_word(explanation));
    // Whoever is refused before comes to no rule, whatever the rules would say.
    if (explanation.refused_before != session::CloseReason::none)
        return row.add("why", decision_reason(explanation));
    const bool decided = !explanation.steps.empty() && explanation.steps.back().matched;
    if (decided) row.add("rule", rule_name(explanation.steps.back().rule, config));
    if (explanation.server.family != base::Family::none)
        row.add("server", base::to_string(explanation.server));
    return row.add("why", decision_reason(explanation));
}

}  // namespace proxyd
