#include "libudpserver/session/session_reports.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <string>

#include "base/log.hpp"
#include "base/text.hpp"
#include "libudpserver/session/statistics_record.hpp"

namespace session {

namespace {

constexpr base::Rate foreign_rate{.per_second = 10, .burst = 50};
constexpr base::Rate error_rate{.per_second = 10, .burst = 50};
/// Datagrams of open sessions are dropped for these reasons, too: far more than clients are refused.
bool concerns_sessions(CloseReason reason) {
    return reason == CloseReason::overload || reason == CloseReason::source_rate ||
           reason == CloseReason::queue_age;
}

constexpr base::Rate over_rate_lines{.per_second = 1, .burst = 5};
constexpr base::Rate hold_rate{.per_second = 1, .burst = 5};
constexpr Duration flush_interval{1000};

std::vector<std::string> rule_names(const conf::Config& config) {
    std::vector<std::string> names;
    for (const conf::Rule& rule : config.session_acl)
        names.push_back(rule.name);
    return names;
}

/// The beginning of a datagram into the log, at the highest level only (K-69).
void dump(std::string_view side, const Record& record, std::span<const std::byte> payload) {
    if (base::log::level() < base::LogLevel::full) return;
    base::log::dump(base::to_string(record.client) + ": from the " + std::string(side), payload);
}

std::string client_of(Session session) {
    return base::to_string(session->client);
}

}  // namespace

SessionReports::SessionReports(const conf::Config& config, Totals& totals, unsigned worker,
                               std::size_t max_sessions)
    : config_(config),
      totals_(totals),
      worker_(worker),
      max_sessions_(max_sessions),
      refusals_(config.proxy, rule_names(config)),
      rule_counts_(config.session_acl.size() + 1) {}

// Datagrams.

void SessionReports::from_client(Record& record, std::span<const std::byte> payload) {
    record.counters.client_datagrams++;
    record.counters.client_bytes += payload.size();
    totals_.client_datagrams.add();
    totals_.client_bytes.add(payload.size());
    dump("client", record, payload);
}

void SessionReports::from_server(Record& record, std::span<const std::byte> payload) {
    record.counters.server_datagrams++;
    record.counters.server_bytes += payload.size();
    totals_.server_datagrams.add();
    totals_.server_bytes.add(payload.size());
    dump("server", record, payload);
}

void SessionReports::to_client(Record& record, std::size_t size) {
    record.counters.to_client_datagrams++;
    record.counters.to_client_bytes += size;
    totals_.to_client_datagrams.add();
    totals_.to_client_bytes.add(size);
}

void SessionReports::to_server(Record& record, std::size_t size) {
    record.counters.to_server_datagrams++;
    record.counters.to_server_bytes += size;
    totals_.to_server_datagrams.add();
    totals_.to_server_bytes.add(size);
}

void SessionReports::over_rate(Session session, Instant now) {
    totals_.over_rate.add();
    ++rule_counts_[session->rule].over_rate;
    if (session->over_rate < std::numeric_limits<std::uint32_t>::max()) ++session->over_rate;
    if (!rate_lines_.take(over_rate_lines, now)) return;
    const conf::Rule& rule = config_.session_acl[session->rule];
    base::log::write(base::msg::over_rate, "{}: session {}.{}: dropped a datagram: more than {}/s, rule {}",
                     client_of(session), session.slot(), session->generation, rule.limits.rate.rate,
                     rule.name);
}

void SessionReports::hold_full(const Endpoint& client, std::size_t clients, std::size_t bytes, Instant now) {
    // A flood must not spend its time on composing lines that the budget then drops.
    if (!hold_lines_.take(hold_rate, now)) return;
    base::log::write(base::msg::hold_full,
                     "{}: dropped a datagram: worker {} already holds {} clients and {} bytes",
                     base::to_string(client), worker_, clients, bytes);
}

void SessionReports::truncated(const Endpoint& server) {
    totals_.truncated.add();
    base::log::write(base::msg::truncated, "server {}: dropped a datagram of more than {} bytes",
                     base::to_string(server), net::buffer_size);
}

void SessionReports::foreign(Session session, const Endpoint& from, Instant now) {
    totals_.foreign.add();
    if (!foreign_lines_.take(foreign_rate, now)) return;
    base::log::write(base::msg::foreign_datagram,
                     "{}: session {}.{}: ignored a datagram from {}: the server is {}", client_of(session),
                     session.slot(), session->generation, base::to_string(from),
                     base::to_string(session->server));
}

void SessionReports::one_way_reply(Session session, const Endpoint& from) {
    base::log::write(base::msg::one_way_reply, "{}: closing one-way session {}.{}: {} answered",
                     client_of(session), session.slot(), session->generation, base::to_string(from));
}

/// A full buffer is the machine's problem; any other error belongs to the side it was sent to.
void SessionReports::count_unsent(int error, Count& other) {
    (error == EAGAIN || error == ENOBUFS || error == ENOMEM ? totals_.send_full : other).add();
}

void SessionReports::send_to_server_failed(Session session, int error, Instant now) {
    count_unsent(error, totals_.send_errors);
    if (!error_lines_.take(error_rate, now)) return;
    base::log::write(base::msg::send_failed, "{}: session {}.{}: cannot send to the server {}: {}",
                     client_of(session), session.slot(), session->generation,
                     base::to_string(session->server), std::strerror(error));
}

void SessionReports::send_to_client_failed(Session session, int error, Instant now) {
    count_unsent(error, totals_.client_send_errors);
    if (!error_lines_.take(error_rate, now)) return;
    base::log::write(base::msg::send_to_client_failed, "{}: session {}.{}: cannot send to the client: {}",
                     client_of(session), session.slot(), session->generation, std::strerror(error));
}

void SessionReports::icmp_error(Session session, int error, Instant now) {
    totals_.icmp_errors.add();
    if (!error_lines_.take(error_rate, now)) return;
    base::log::write(base::msg::icmp_error, "{}: session {}.{}: server {} is unreachable: {}",
                     client_of(session), session.slot(), session->generation,
                     base::to_string(session->server), std::strerror(error));
}

// Sessions.

void SessionReports::opened(Session session) {
    totals_.created.add();
    ++rule_counts_[session->rule].begun;
    events_.record_open(session.record(), session.slot(), session->created);
    base::log::write(base::msg::session_opened, "{}: session {}.{} opened to {} by rule {}",
                     client_of(session), session.slot(), session->generation,
                     base::to_string(session->server), config_.session_acl[session->rule].name);
}

void SessionReports::closed(Session session, const conf::Rule* rule, Instant now) {
    count_closed(session.record(), session.slot(), rule, session.client_name(), now);
    events_.record_close(session.record(), session.slot(), now);
}

void SessionReports::closed_unserved(Record record, Slot slot, CloseReason reason, const conf::Rule* rule,
                                     Instant now) {
    record.reason = reason;
    if (record.created < Instant{} || record.created > now) record.created = now;
    count_closed(record, slot, rule, {}, now);
}

void SessionReports::count_closed(const Record& record, Slot slot, const conf::Rule* rule,
                                  std::string_view client_name, Instant now) {
    totals_.closed.add();
    totals_.closed_by[static_cast<std::size_t>(record.reason)].add();
    if (record.type > conf::SessionType::broadcast) return;  // not a record of this program
    if (!is_recorded(record, rule)) return;
    std::optional<std::string> name;
    if (config_.log.names) name = client_name;
    base::log::write_record(base::msg::session_record,
                            session_fields(record, slot, rule, config_.proxy, now, name));
}

/// By `record` of its rule: the first of each N. A session that ends without having been served, for want of
/// a server for example, was refused.
bool SessionReports::is_recorded(const Record& record, const conf::Rule* rule) {
    if (rule == nullptr) return true;
    if (status_of(record) != "ACCEPTED") return rule->record.refusals;
    if (rule->record.one_of < 2) return rule->record.one_of == 1;
    const std::size_t index = std::min<std::size_t>(record.rule, rule_counts_.size() - 1);
    return rule_counts_[index].closed++ % rule->record.one_of == 0;
}

void SessionReports::moved(Session session) {
    base::log::write(base::msg::debug, "{}: session {}.{} moved to {}", client_of(session), session.slot(),
                     session->generation, base::to_string(session->server));
}

void SessionReports::source_renewed(Session session, const base::Address& before, const Endpoint& after,
                                    Instant now) {
    totals_.sources_renewed.add();
    if (!error_lines_.take(error_rate, now)) return;
    base::log::write(base::msg::source_renewed, "{}: session {}.{}: the source is {} now: {} cannot reach {}",
                     client_of(session), session.slot(), session->generation, base::to_string(after),
                     base::to_string(before), base::to_string(session->server));
}

void SessionReports::connect_failed(Session session, const Endpoint& server, int error, Instant now) {
    if (!error_lines_.take(error_rate, now)) return;
    base::log::write(base::msg::send_failed, "{}: session {}.{}: cannot connect to {}: {}",
                     client_of(session), session.slot(), session->generation, base::to_string(server),
                     std::strerror(error));
}

void SessionReports::adopted(std::uint32_t adopted, std::uint32_t aborted) {
    totals_.adopted.add(adopted);
    totals_.aborted.add(aborted);
    totals_.starts.add();
}

void SessionReports::not_adopted(Session session, const char* why) {
    base::log::write(base::msg::adoption_refused, "session {}.{} was not adopted: {}", session.slot(),
                     session->generation, why);
}

void SessionReports::set_open(std::size_t open, std::size_t unanswered, std::size_t unconfirmed) {
    totals_.open.set(open);
    totals_.open_most.set(std::max<std::uint64_t>(totals_.open_most.get(), open));
    totals_.open_least.set(std::min<std::uint64_t>(totals_.open_least.get(), open));
    totals_.unanswered.set(unanswered);
    totals_.unconfirmed.set(unconfirmed);
}

// First datagrams.

void SessionReports::refused(const net::Datagram& datagram, CloseReason reason,
                             std::optional<std::size_t> rule, Instant now) {
    totals_.refused.add();
    totals_.refused_by[static_cast<std::size_t>(reason)].add();
    ++rule_counts_[rule.value_or(rule_counts_.size() - 1)].refused;
    warn_of_refusal(datagram, reason, rule, now);
    bool is_new = false;
    if (!rule || config_.session_acl[*rule].record.refusals) {
        if (refusals_.empty()) flush_at_ = now + flush_interval;
        is_new = refusals_.count(datagram.from, datagram.local, reason, rule, datagram.payload.size(), now);
    }
    if (is_new || !concerns_sessions(reason))
        events_.refused(datagram.from, datagram.local, reason, rule, now);
}

void SessionReports::warn_of_refusal(const net::Datagram& datagram, CloseReason reason,
                                     std::optional<std::size_t> rule, Instant now) {
    // A flood must not spend its time on composing lines that the budget then drops.
    Instant& last = warned_[static_cast<std::size_t>(reason)];
    if (last != Instant{} && now - last < std::chrono::seconds(1)) return;
    last = now;
    const std::string client = base::to_string(datagram.from);
    if (reason == CloseReason::sessions_full) {
        base::log::write(base::msg::sessions_full, "{}: refused: all {} sessions of worker {} are open",
                         client, max_sessions_, worker_);
    } else if (reason == CloseReason::source_limited) {
        base::log::write(base::msg::source_limited,
                         "{}: refused: its address or network has reached its limit", client);
    } else if (reason == CloseReason::source_rate) {
        base::log::write(base::msg::over_rate,
                         "{}: dropped a datagram: its address or network sends more than its rate", client);
    } else if (reason == CloseReason::overload) {
        base::log::write(
            base::msg::overload,
            "{} to {}: dropped datagrams of the heaviest sources: the receive buffer is more than half full",
            client, base::to_string(datagram.local));
    } else if (reason == CloseReason::queue_age) {
        base::log::write(base::msg::queue_age,
                         "{} to {}: dropped datagrams that waited for more than {} in the receive buffer",
                         client, base::to_string(datagram.local),
                         base::format_duration(config_.udpserver.max_queue_age));
    } else {
        const std::string by = rule                         ? ", rule " + config_.session_acl[*rule].name
                               : reason == CloseReason::acl ? ", no rule matches"
                                                            : "";
        const char* why = reason == CloseReason::loop ? " (the server is this proxy's own listener)" : "";
        base::log::write(base::msg::refused, "{} to {}: refused: {}{}{}", client,
                         base::to_string(datagram.local), to_string(reason), why, by);
    }
}

void SessionReports::flush_refusals(Instant now, bool all) {
    if (!all && (refusals_.empty() || now < flush_at_)) return;
    refusals_.flush([](const std::vector<base::log::Field>& fields) {
        base::log::write_record(base::msg::session_record, fields);
    });
    flush_at_ = now + flush_interval;
}

std::optional<Instant> SessionReports::next_flush() const {
    return refusals_.empty() ? std::nullopt : std::optional(flush_at_);
}

// Look-ups.

void SessionReports::lookup_busy(const base::Address& client, std::size_t pending, Instant now) {
    if (!hold_lines_.take(hold_rate, now)) return;
    base::log::write(base::msg::lookup_busy, "{}: cannot look up its names: {} look-ups are pending",
                     base::to_string(client), pending);
}

void SessionReports::client_lookup_failed(const base::Address& client, const base::LookupAnswer& answer) {
    base::log::write(base::msg::lookup_failed, "{}: cannot look up its names: {}", base::to_string(client),
                     describe(answer));
}

void SessionReports::lookup_failed(Session session, std::string_view name, const base::LookupAnswer& answer) {
    base::log::write(base::msg::lookup_failed, "{}: session {}.{}: name {}: {}", client_of(session),
                     session.slot(), session->generation, name, describe(answer));
}

}  // namespace session
