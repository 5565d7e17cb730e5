#include "libudpserver/session/statistics_record.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace session {

using base::log::Field;
using conf::SessionType;

namespace {

/// What a reason says about the session. STATUS: a refusal is REJECTED by policy or a limit, FAILED if the
/// proxy could not serve. RESULT: `by_answer` is OK if the server answered or was not expected to, otherwise
/// FAILED.
enum class Kind { by_answer, good, failed, aborted, rejected, unserved };

// clang-format off
// | reason                                                          | kind      | STATUS   | RESULT       |
// | idle, unconfirmed, lifetime, limits, proxy, none (still open)   | by_answer | ACCEPTED | OK or FAILED |
// | one-way-reply: all was delivered, only the answer was unwanted  | good      | ACCEPTED | OK           |
// | unanswered, socket-error, icmp-error                            | failed    | ACCEPTED | FAILED       |
// | evicted, policy, admin, process-end, adoption, name-change      | aborted   | ACCEPTED | ABORTED      |
// | acl, no-target, loop, limits of admission, bad datagram, resolve-failure | rejected | REJECTED | FAILED |
// | no-socket                                                       | unserved  | FAILED   | FAILED       |
// clang-format on
Kind kind_of(CloseReason reason) {
    switch (reason) {
        case CloseReason::none:
        case CloseReason::idle:
        case CloseReason::unconfirmed:
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
        case CloseReason::no_answer:
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
        case CloseReason::loop:
        case CloseReason::sessions_full:
        case CloseReason::source_limited:
        case CloseReason::rate_limited:
        case CloseReason::source_rate:
        case CloseReason::queue_age:
        case CloseReason::overload:
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

/// The three fields of one side, empty for an unknown endpoint.
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

struct Service {
    std::uint16_t port;
    std::string_view name;
};

// Sorted by port: the UDP services of IANA's registry that a firewall is likely to see.
constexpr auto services = std::to_array<Service>({
    {7, "echo"},           {9, "discard"},         {13, "daytime"},        {19, "chargen"},
    {37, "time"},          {53, "domain"},         {67, "bootps"},         {68, "bootpc"},
    {69, "tftp"},          {88, "kerberos"},       {111, "sunrpc"},        {123, "ntp"},
    {137, "netbios-ns"},   {138, "netbios-dgm"},   {161, "snmp"},          {162, "snmp-trap"},
    {177, "xdmcp"},        {319, "ptp-event"},     {320, "ptp-general"},   {389, "ldap"},
    {443, "https"},        {464, "kpasswd"},       {500, "isakmp"},        {514, "syslog"},
    {520, "route"},        {546, "dhcpv6-client"}, {547, "dhcpv6-server"}, {623, "asf-rmcp"},
    {853, "domain-s"},     {1194, "openvpn"},      {1645, "datametrics"},  {1646, "sa-msg-port"},
    {1701, "l2f"},         {1718, "h323gatedisc"}, {1719, "h323gatestat"}, {1812, "radius"},
    {1813, "radius-acct"}, {1900, "ssdp"},         {2049, "nfs"},          {2055, "iop"},
    {2123, "gtp-control"}, {2152, "gtp-user"},     {3478, "stun"},         {3784, "bfd-control"},
    {4500, "ipsec-nat-t"}, {4739, "ipfix"},        {4789, "vxlan"},        {5004, "rtp-data"},
    {5005, "rtcp-data"},   {5060, "sip"},          {5061, "sips"},         {5353, "mdns"},
    {5355, "hostmon"},     {5683, "coap"},         {5684, "coaps"},        {6081, "geneve"},
    {6343, "sflow"},
});
static_assert(std::is_sorted(services.begin(), services.end(),
                             [](const Service& a, const Service& b) { return a.port < b.port; }));

}  // namespace

std::string_view port_name(std::uint16_t port) {
    const auto found =
        std::lower_bound(services.begin(), services.end(), port,
                         [](const Service& service, std::uint16_t p) { return service.port < p; });
    return found != services.end() && found->port == port ? found->name : std::string_view();
}

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

std::vector<Field> fields_of(const StatisticsRecord& summary) {
    const Counters& counters = summary.counters;
    std::vector<Field> fields;
    fields.reserve(29);
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
    StatisticsRecord summary;
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
    std::vector<Field> fields = fields_of(summary);
    if (rule != nullptr && rule->limits.rate.rate > 0)
        fields.push_back(number("DATAGRAMS-OVER-RATE", record.over_rate));
    if (client_name) fields.push_back(text("CLIENT-NAME", *client_name));
    return fields;
}

}  // namespace session
