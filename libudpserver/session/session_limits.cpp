#include "libudpserver/session/session_limits.hpp"

#include <algorithm>

namespace session {

using base::Duration;
using base::Instant;
using conf::SessionLimits;

namespace {

struct Due {
    Instant at = never;
    CloseReason reason = CloseReason::none;

    void consider(Instant from, Duration limit, CloseReason why) {
        if (limit <= Duration::zero() || from >= never - limit) return;
        if (from + limit < at) *this = {from + limit, why};
    }
};

/// The one that is due first; of equals the first one here.
Due first_due(const Record& record, const SessionLimits& limits) {
    Due due;
    due.consider(record.created, limits.lifetime, CloseReason::lifetime);
    if (!record.answered() && record.type != conf::SessionType::one_way)
        due.consider(record.last_client, limits.unanswered, CloseReason::unanswered);
    const Instant last = std::max(record.last_client, record.last_server);
    due.consider(last, limits.idle, CloseReason::idle);
    if (record.unconfirmed()) due.consider(last, limits.unconfirmed, CloseReason::unconfirmed);
    return due;
}

bool counts_bytes(const SessionLimits& limits) {
    return limits.idle_bytes > 0 && limits.idle > Duration::zero();
}

/// `add` is 1 and the size for a datagram that is not counted yet.
bool over(std::uint64_t counted, std::uint64_t add, std::uint64_t limit) {
    return limit > 0 && (counted > limit || add > limit - counted);
}

bool reached(std::uint64_t counted, std::uint64_t limit) {
    return limit > 0 && counted >= limit;
}

}  // namespace

std::uint64_t traffic(const Record& record) {
    return record.counters.client_bytes + record.counters.server_bytes;
}

Instant deadline(const Record& record, const SessionLimits& limits) {
    return first_due(record, limits).at;
}

CloseReason expired(const Record& record, const SessionLimits& limits, Instant now) {
    const Due due = first_due(record, limits);
    return due.at <= now ? due.reason : CloseReason::none;
}

Instant deadline(const Record& record, const SessionLimits& limits, const IdleWindow& window) {
    const Instant plain = deadline(record, limits);
    return counts_bytes(limits) ? std::min(plain, window.since + limits.idle) : plain;
}

CloseReason expired(const Record& record, const SessionLimits& limits, Instant now, IdleWindow& window) {
    const CloseReason reason = expired(record, limits, now);
    if (reason != CloseReason::none || !counts_bytes(limits)) return reason;
    if (window.since + limits.idle > now) return CloseReason::none;
    if (traffic(record) - window.bytes < limits.idle_bytes) return CloseReason::idle;
    window = {now, traffic(record)};
    return CloseReason::none;
}

void count_unreplied(Silence& silence, Instant now) {
    if (silence.datagrams == 0) silence.since = now;
    if (silence.datagrams > 0 && now - silence.counted < std::chrono::seconds(1)) return;
    silence.counted = now;
    ++silence.datagrams;
}

bool is_silent(const Silence& silence, const conf::NoAnswer& limit, Instant now) {
    return limit.time > Duration::zero() && silence.datagrams >= limit.datagrams &&
           now - silence.since >= limit.time;
}

Admit client_datagram(const Record& record, const SessionLimits& limits, std::size_t size) {
    if (over(0, size, limits.client_bytes)) return Admit::refuse;
    const bool full = over(record.counters.client_datagrams, 1, limits.client_datagrams) ||
                      over(record.counters.client_bytes, size, limits.client_bytes);
    return full ? Admit::new_session : Admit::forward;
}

CloseReason client_limit(const Record& record, const SessionLimits& limits) {
    if (reached(record.counters.client_datagrams, limits.client_datagrams))
        return CloseReason::client_datagrams;
    if (reached(record.counters.client_bytes, limits.client_bytes)) return CloseReason::client_bytes;
    return CloseReason::none;
}

CloseReason server_datagram_refused(const Record& record, const SessionLimits& limits, std::size_t size) {
    if (over(record.counters.server_datagrams, 1, limits.server_datagrams))
        return CloseReason::server_datagrams;
    if (over(record.counters.server_bytes, size, limits.server_bytes)) return CloseReason::server_bytes;
    return CloseReason::none;
}

CloseReason reply_limit(const Record& record, const SessionLimits& limits) {
    if (reached(record.counters.server_datagrams, limits.server_datagrams))
        return CloseReason::server_datagrams;
    if (reached(record.counters.server_bytes, limits.server_bytes)) return CloseReason::server_bytes;
    return CloseReason::none;
}

}  // namespace session
