#include "proxyd/query_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "libudpserver/session/statistics_record.hpp"

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
                                       ": expected an address, a network like 10.0.0.0/8, or an address "
                                       "with a port");
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

/// The policy may have lost the rule, and the record of a crashed REG may contain anything.
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

/// What a limit still allows; left out if there is no limit.
void add_left(Row& row, const char* name, std::uint64_t limit, std::uint64_t used) {
    if (limit > 0) row.add(name, limit - std::min(limit, used));
}

/// Bytes per second since the session opened.
std::uint64_t mean_rate(std::uint64_t bytes, base::Duration age) {
    return bytes * 1000 / static_cast<std::uint64_t>(std::max<base::Duration::rep>(age.count(), 1));
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

const char* decision_word(session::Explanation::Outcome outcome) {
    using Outcome = session::Explanation::Outcome;
    switch (outcome) {
        case Outcome::accepted:
            return "accept";
        case Outcome::waits:
            return "wait";
        case Outcome::running:
            return "forward";
        default:
            return "deny";
    }
}

/// What a running proxy adds to the policy's own reasons.
std::string reason_text(session::CloseReason reason) {
    using session::CloseReason;
    switch (reason) {
        case CloseReason::admin:
            return "an administrator refuses this client, or the proxy is draining";
        case CloseReason::bad_source:
            return "its address and port are those of a server or of this proxy, so its answers would loop";
        case CloseReason::loop:
            return "its server is this proxy's own listener";
        case CloseReason::source_limited:
            return "its address or network has reached its limit";
        case CloseReason::source_rate:
            return "its address or network has used up its datagrams per second (per-address, per-network)";
        case CloseReason::overload:
            return "its address or network sends most while a receive buffer is more than half full";
        case CloseReason::queue_age:
            return "it waited longer than max-queue-age";
        case CloseReason::rate_limited:
            return "the limit of new sessions per second is reached";
        case CloseReason::sessions_full:
            return "all places are taken by sessions that may not be evicted";
        case CloseReason::no_socket:
            return "all server-side sockets are in use";
        case CloseReason::resolve_failure:
            return "its names could not be resolved, or too many clients wait for names";
        default:
            return {};
    }
}

std::string decision_reason(const session::Explanation& explanation) {
    using Kind = policy::Decision::Kind;
    using Outcome = session::Explanation::Outcome;
    const Kind policy = explanation.policy.decision.kind;
    switch (explanation.outcome) {
        case Outcome::accepted:
            return {};
        case Outcome::running:
            return "its session continues; no rule is evaluated";
        case Outcome::waits:
            if (policy == Kind::awaits_client_names)
                return "it waits for its names; `proxyd -t` looks them up";
            return explanation.policy.decision.awaits_configured_names() ? explanation.policy.why
                                                                         : "it waits for names";
        default:
            break;
    }
    const bool by_policy = explanation.policy_asked && (policy == Kind::deny || policy == Kind::no_server);
    const std::string why = by_policy ? explanation.policy.why : reason_text(explanation.reason);
    std::string text(to_string(explanation.reason));
    if (!why.empty()) text += ": " + why;
    return explanation.policy_asked ? text : text + "; no rule is evaluated";
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
    if (!id) throw Failure(Code::usage, "id: expected SLOT.GENERATION, as shown by the command sessions");
    return *id;
}

policy::Question question_of(const Request& request, const conf::Config& config) {
    const auto dscp = request.number("dscp", 0, 63);
    const policy::QuestionText text{.client = request.needed_text("client"),
                                    .local = request.needed_text("local"),
                                    .time = request.text("time").value_or(""),
                                    .dscp = dscp ? std::to_string(*dscp) : ""};
    try {
        return policy::parse_question(text, config, base::LocalTime::now());
    } catch (const policy::BadQuestion& error) {
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
    if (record.over_rate > 0) row.add("over_rate", record.over_rate);
    return row.add("answered", record.answered());
}

Row row_of(const session::Details& details, const conf::Config& config) {
    const session::Record& record = details.found.record;
    Row row = row_of(details.found, config, details.now);
    const base::Duration age = details.now - record.created;
    row.add("mean_up_bytes", mean_rate(record.counters.client_bytes, age));
    row.add("mean_down_bytes", mean_rate(record.counters.server_bytes, age));
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
    row.add("event", refused ? "refused" : event.kind == session::Event::Kind::opened ? "begin" : "end");
    row.add("ago_ms", now - event.at);
    if (!refused) row.add("id", id_text(event.slot, event.generation));
    row.add("client", base::to_string(event.client)).add("local", base::to_string(event.local));
    if (!refused) row.add("server", base::to_string(event.server));
    if (event.rule) row.add("rule", rule_name(*event.rule, config));
    if (event.kind != session::Event::Kind::opened) row.add("reason", to_string(event.reason));
    if (event.kind == session::Event::Kind::closed) add_counters(row, event.counters);
    return row;
}

Row row_of(const policy::SessionAcl::Step& step, const conf::Config& config) {
    Row row;
    row.add("rule", rule_name(step.rule, config)).add("matched", step.matched);
    return row.add("undecided", step.undecided).add("why", step.why);
}

Row decision_of(const session::Explanation& explanation, const conf::Config& config) {
    Row row;
    row.add("decision", decision_word(explanation.outcome));
    if (explanation.outcome == session::Explanation::Outcome::running)
        row.add("session", id_text(explanation.session.slot, explanation.session.generation));
    if (explanation.rule) row.add("rule", rule_name(*explanation.rule, config));
    if (explanation.server.family != base::Family::none && explanation.reason == session::CloseReason::none)
        row.add("server", base::to_string(explanation.server));
    return row.add("why", decision_reason(explanation));
}

}  // namespace proxyd
