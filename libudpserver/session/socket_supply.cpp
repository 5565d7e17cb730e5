#include "libudpserver/session/socket_supply.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

constexpr Duration min_delay{100}, max_delay{5000};
/// The parent is asked for more when fewer sockets of a group are left than this, or than half of the
/// sessions: enough for a burst of new clients, even when a busy machine delays the parent.
constexpr std::size_t max_low_water = 896;

}  // namespace

SocketSupply::SocketSupply(const conf::UdpServer& settings, const net::SocketPool& pool,
                           std::span<PoolEntry> entries, unsigned worker, std::size_t places,
                           SocketLeases::AddToPoller add_to_poller, Request request)
    : settings_(settings),
      groups_(pool.groups()),
      worker_(worker),
      low_water_(std::min(max_low_water, places / 2 + 1)),
      request_(std::move(request)),
      leases_(entries, groups_.size(), pool.filter(), settings.quarantine, std::move(add_to_poller)),
      supplies_(groups_.size()) {}

void SocketSupply::arrived(std::size_t group, bool complete, Instant now) {
    Supply& supply = supplies_[group];
    supply.not_before = complete ? now : now + max_delay;
    supply.exhausted = !complete;
    if (!complete) return;
    supply.refuse_until = now;
    supply.delay = Duration{0};
}

void SocketSupply::request_missing(Instant now) {
    for (std::size_t group = 0; group < groups_.size(); ++group)
        if (leases_.available(group, now) == 0) request_more(group, now);
}

std::size_t SocketSupply::group_for(const conf::Rule& rule, base::Family family) const {
    const auto found = std::ranges::find(groups_, net::group_for(rule, family));
    return static_cast<std::size_t>(found - groups_.begin());
}

bool SocketSupply::is_available(std::size_t group, Instant now) {
    if (has_free(group, now)) return true;
    if (now < supplies_[group].refuse_until) return false;
    request_more(group, now);
    start_delay(group, now);
    return false;
}

SocketSupply::Opened SocketSupply::open(std::size_t group, Slot session, const Endpoint& server,
                                        conf::SessionType type, Instant now) {
    const SocketIndex socket = leases_.lease(group, session, now);
    if (leases_.available(group, now) < low_water_) request_more(group, now);
    if (socket == no_socket) {
        start_delay(group, now);
        return {};
    }
    supplies_[group].delay = Duration{0};
    const int error = leases_.open(socket, server, connects(type));
    if (error == 0) return {.socket = socket};
    leases_.give_back(socket, now);  // nothing was sent from it, so no reply can arrive
    return {.error = error};
}

void SocketSupply::request_more(std::size_t group, Instant now) {
    Supply& supply = supplies_[group];
    if (now < supply.not_before) return;
    supply.not_before = now + max_delay;  // a request without an answer is repeated
    request_(group);
}

/// The next try will most likely fail too: the delay doubles each time, until a socket is free.
void SocketSupply::start_delay(std::size_t group, Instant now) {
    Supply& supply = supplies_[group];
    supply.delay = std::clamp(supply.delay * 2, min_delay, max_delay);
    supply.refuse_until = now + supply.delay;
    base::log::write(
        base::msg::pool_exhausted,
        "worker {}: no free server-side socket of {}; {} of {} are quarantined; next try in {} ms", worker_,
        net::to_string(groups_[group]), leases_.quarantined(), leases_.size(), supply.delay.count());
}

Instant SocketSupply::quarantined_until(const Record& session, const conf::SessionLimits& limits,
                                        Instant now) const {
    // Only an administrator's word that each request has one answer, and a session that kept it, says that
    // the server has nothing more to send. Equal counts alone do not: a stream that is cut has them too.
    const bool finished = session.type == conf::SessionType::normal && limits.server_datagrams > 0 &&
                          limits.client_datagrams == limits.server_datagrams &&
                          session.reason == CloseReason::server_datagrams &&
                          session.counters.to_server_datagrams == limits.server_datagrams;
    if (finished) return now + settings_.quarantine_answered;
    return std::max(session.last_client, session.last_server) + settings_.quarantine;
}

}  // namespace session
