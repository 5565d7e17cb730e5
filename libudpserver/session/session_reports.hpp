#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/token_bucket.hpp"
#include "libudpserver/net/datagram.hpp"
#include "libudpserver/session/arena.hpp"
#include "libudpserver/session/event_log.hpp"
#include "libudpserver/session/refusal_log.hpp"
#include "libudpserver/session/session.hpp"

namespace session {

/// Statistics records that may be written between two waits for the log's queue.
inline constexpr std::size_t records_per_drain = 1024;

/// What a rule did since this REG started; or what happened without a rule.
struct RuleCount {
    std::uint64_t begun = 0;      ///< sessions
    std::uint64_t refused = 0;    ///< first datagrams, for any reason
    std::uint64_t closed = 0;     ///< sessions that were accepted, if `record` samples them
    std::uint64_t over_rate = 0;  ///< datagrams beyond the rate of their session
};

/// What a worker counts, logs and remembers of its sessions: the totals in the arena, statistics records, log
/// lines and the last events. The engine says what happened; nothing here has an effect on it.
class SessionReports {
public:
    /// `max_sessions`: of this worker.
    SessionReports(const conf::Config& config, Totals& totals, unsigned worker, std::size_t max_sessions);

    // Datagrams. The first four also count in the record, whose limits read the counters.

    void from_client(Record& record, std::span<const std::byte> payload);
    void from_server(Record& record, std::span<const std::byte> payload);
    void to_client(Record& record, std::size_t size);
    void to_server(Record& record, std::size_t size);
    void over_limit() { totals_.over_limit.add(); }
    /// Also counts in the record.
    void over_rate(Session session, Instant now);
    void dropped_by_proxy() { totals_.dropped_by_proxy.add(); }
    void dropped_by_kernel(std::uint32_t datagrams) { totals_.kernel_drops.add(datagrams); }
    void held() { totals_.held.add(); }
    void hold_dropped(std::size_t datagrams) { totals_.hold_dropped.add(datagrams); }
    /// The worker has no room for a datagram that would wait; `bytes` wait already.
    void hold_full(const Endpoint& client, std::size_t clients, std::size_t bytes, Instant now);
    /// A datagram came to a pool socket that serves no session.
    void stray() { totals_.stray.add(); }
    void truncated(const Endpoint& server);
    void foreign(Session session, const Endpoint& from, Instant now);
    void one_way_reply(Session session, const Endpoint& from);
    void send_to_server_failed(Session session, int error, Instant now);
    void send_to_client_failed(Session session, int error, Instant now);
    void icmp_error(Session session, int error, Instant now);

    // Sessions

    void opened(Session session);
    /// `rule`: null when the policy no longer has it.
    void closed(Session session, const conf::Rule* rule, Instant now);
    /// A record that no engine serves any more. It may hold anything.
    void closed_unserved(Record record, Slot slot, CloseReason reason, const conf::Rule* rule, Instant now);
    void moved(Session session);
    /// The session has another source: `before` is gone.
    void source_renewed(Session session, const base::Address& before, const Endpoint& after, Instant now);
    void connect_failed(Session session, const Endpoint& server, int error, Instant now);
    void adopted(std::uint32_t adopted, std::uint32_t aborted);
    void not_adopted(Session session, const char* why);
    void set_open(std::size_t open, std::size_t unanswered, std::size_t unconfirmed);

    // First datagrams, and those that were refused before their session was looked up

    /// `rule`: none if no rule decided.
    void refused(const net::Datagram& datagram, CloseReason reason, std::optional<std::size_t> rule,
                 Instant now);
    /// Writes the statistics records of the refusals, at most once a second unless `all` is set.
    void flush_refusals(Instant now, bool all = false);
    [[nodiscard]] std::optional<Instant> next_flush() const;

    // Look-ups

    void lookup_busy(const base::Address& client, std::size_t pending, Instant now);
    void client_lookup_failed(const base::Address& client, const base::LookupAnswer& answer);
    void lookup_failed(Session session, std::string_view name, const base::LookupAnswer& answer);

    [[nodiscard]] const EventLog& events() const { return events_; }
    /// By rule; the last one counts for first datagrams that no rule decided about.
    [[nodiscard]] const std::vector<RuleCount>& rule_counts() const { return rule_counts_; }

private:
    void count_unsent(int error, Count& other);
    void count_closed(const Record& record, Slot slot, const conf::Rule* rule, std::string_view client_name,
                      Instant now);
    [[nodiscard]] bool is_recorded(const Record& record, const conf::Rule* rule);
    void warn_of_refusal(const net::Datagram& datagram, CloseReason reason, std::optional<std::size_t> rule,
                         Instant now);

    const conf::Config& config_;
    Totals& totals_;
    unsigned worker_;
    std::size_t max_sessions_;
    RefusalLog refusals_;
    Instant flush_at_{};
    EventLog events_;
    std::vector<RuleCount> rule_counts_;
    std::array<Instant, static_cast<std::size_t>(CloseReason::count_)> warned_{};  ///< last time, by reason
    base::TokenBucket foreign_lines_, error_lines_, hold_lines_, rate_lines_;
};

}  // namespace session
