#include "libudpserver/session/session_record.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "libudpserver/session/port_name.hpp"

namespace session {

using base::log::Field;
using conf::SessionType;

namespace {

/// What a reason says about the session. STATUS: a refusal is REJECTED when somebody decided it, FAILED when
/// the proxy could not serve. RESULT: `by_answer` is OK if the server answered or was not meant to, otherwise
/// FAILED.
enum class Kind { by_answer, good, failed, aborted, rejected, unserved };

// clang-format off
// | reason                                                          | kind      | STATUS   | RESULT       |
// | idle, lifetime, limits, proxy, none (still open)                | by_answer | ACCEPTED | OK or FAILED |
// | one-way-reply: all was delivered, only the answer was unwanted  | good      | ACCEPTED | OK           |
// | unanswered, socket-error, icmp-error                            | failed    | ACCEPTED | FAILED       |
// | evicted, policy, admin, process-end, adoption, name-change      | aborted   | ACCEPTED | ABORTED      |
// | acl, no-target, limits of admission, bad datagram, resolve-failure | rejected | REJECTED | FAILED     |
// | no-socket                                                       | unserved  | FAILED   | FAILED       |
// clang-format on
Kind kind_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::none:
        case CloseReason::idle:
        case CloseReason::lifetime:
        case CloseReason::client_datagrams:
        case CloseReason::server_datagrams:
        case CloseReason::client_bytes:
        case CloseReason::server_bytes:
        case CloseReason::proxy:
            return Kind::by_answer;
        case CloseReason::one_way_reply:
            return Kind::good;
        case CloseReason::unanswered:
        case CloseReason::socket_error:
        case CloseReason::icmp_error:
            return Kind::failed;
        case CloseReason::evicted:
        case CloseReason::policy:
        case CloseReason::admin:
        case CloseReason::process_end:
        case CloseReason::adoption:
        case CloseReason::name_change:
            return Kind::aborted;
        case CloseReason::acl:
        case CloseReason::no_target:
        case CloseReason::sessions_full:
        case CloseReason::source_limited:
        case CloseReason::rate_limited:
        case CloseReason::bad_source:
        case CloseReason::truncated:
        case CloseReason::resolve_failure:
            return Kind::rejected;
        case CloseReason::no_socket:
        case CloseReason::count_:
            break;
    }
    return Kind::unserved;
}

Field text(std::string_view key, std::string_view value) {
    return {key, std::string(value), true};
}
Field number(std::string_view key, std::uint64_t value) {
    return {key, fmt::format("{}", value), false};
}

/// The three fields of one side, empty for an endpoint that is not known.
void add_side(std::vector<Field>& fields, std::string_view name, std::string_view ip, std::string_view port,
              const Endpoint& endpoint) {
    const bool known = endpoint.family != base::Family::none;
    fields.push_back(text(name, known ? base::to_string(endpoint) : ""));
    fields.push_back(text(ip, known ? base::to_string(endpoint.address()) : ""));
    fields.push_back(number(port, endpoint.port));
}

std::string seconds(base::Duration duration) {
    const auto ms = std::max<std::int64_t>(duration.count(), 0);
    return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

}  // namespace

std::string_view status_of(const Record& record) {
    const Kind kind = kind_of(record.reason);
    if (kind == Kind::unserved) return "FAILED";
    return kind == Kind::rejected ? "REJECTED" : "ACCEPTED";
}

std::string_view result_of(const Record& record) {
    switch (kind_of(record.reason)) {
        case Kind::good:
            return "OK";
        case Kind::aborted:
            return "ABORTED";
        case Kind::by_answer:
            return record.answered() || record.type == SessionType::one_way ? "OK" : "FAILED";
        case Kind::failed:
        case Kind::rejected:
        case Kind::unserved:
            break;
    }
    return "FAILED";
}

std::string_view to_string(SessionType type) {
    switch (type) {
        case SessionType::one_way:
            return "one-way";
        case SessionType::normal:
            return "normal";
        case SessionType::any_port:
            return "any-port";
        case SessionType::any_sock:
            return "any-sock";
        case SessionType::broadcast:
            return "broadcast";
    }
    return "unknown";
}

std::vector<Field> summary_fields(const SessionSummary& summary) {
    const Counters& counters = summary.counters;
    std::vector<Field> fields;
    fields.reserve(28);
    fields.push_back(text("PROTOCOL", summary.proxy));
    add_side(fields, "CLIENT", "CLIENT-IP", "CLIENT-PORT", summary.client);
    add_side(fields, "SERVER", "SERVER-IP", "SERVER-PORT", summary.server);
    fields.push_back(text("SERVER-PORT-NAME", port_name(summary.server.port)));
    fields.push_back(text("USER", ""));
    fields.push_back(number("BYTES-CIN", counters.client_bytes));
    fields.push_back(number("BYTES-COUT", counters.to_client_bytes));
    fields.push_back(number("BYTES-SIN", counters.server_bytes));
    fields.push_back(number("BYTES-SOUT", counters.to_server_bytes));
    fields.push_back({"DURATION", seconds(summary.duration), false});
    fields.push_back(text("STATUS", summary.status));
    fields.push_back(text("RESULT", summary.result));
    fields.push_back(text("RULE", summary.rule));
    fields.push_back(text("REASON", summary.reason));
    fields.push_back(
        text("LISTENER", summary.local.family == base::Family::none ? "" : base::to_string(summary.local)));
    fields.push_back(text("SESSION", summary.session));
    fields.push_back(text("TYPE", summary.type));
    fields.push_back(number("DATAGRAMS-CIN", counters.client_datagrams));
    fields.push_back(number("DATAGRAMS-COUT", counters.to_client_datagrams));
    fields.push_back(number("DATAGRAMS-SIN", counters.server_datagrams));
    fields.push_back(number("DATAGRAMS-SOUT", counters.to_server_datagrams));
    return fields;
}

std::vector<Field> session_fields(const Record& record, Slot slot, const conf::Rule* rule,
                                  std::string_view proxy, base::Instant now,
                                  const std::optional<std::string>& client_name) {
    SessionSummary summary;
    summary.proxy = proxy;
    summary.client = record.client;
    summary.local = record.local;
    summary.server = record.server;
    summary.counters = record.counters;
    summary.duration = now - record.created;
    summary.status = status_of(record);
    summary.result = result_of(record);
    summary.rule = rule != nullptr ? std::string_view(rule->name) : std::string_view();
    summary.reason = to_string(record.reason);
    summary.session = fmt::format("{}.{}", slot, record.generation);
    summary.type = to_string(record.type);
    std::vector<Field> fields = summary_fields(summary);
    if (client_name) fields.push_back(text("CLIENT-NAME", *client_name));
    return fields;
}

}  // namespace session
