#include "libudpserver/session/socket_supply.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

constexpr Duration min_delay{100}, max_delay{1000};
constexpr Duration request_interval{5000};
constexpr Duration warning_interval{60'000};
/// Quarantines are shortened when less than this part of the sockets is free.
constexpr std::size_t low_part = 10;
/// Clients that may be forged leave this part of the sockets to the others.
constexpr std::size_t reserved_part = 20;
/// While sockets are short, how often some of those in quarantine are asked whether they received something,
/// and which part of all: all of them twice a second, unless they are very many.
constexpr Duration notice_interval{100};
constexpr std::size_t notice_part = 5, max_noticed = 2048;
/// The parent is asked for more when fewer sockets of a group are left than this, or than half of the
/// sessions: enough for a burst of new clients, even when a busy machine delays the parent.
constexpr std::size_t max_low_water = 896;

/// Only an administrator's word that each request has one answer, and a session that kept it, says that the
/// server has nothing more to send. Equal counts alone do not: a stream that is cut has them too.
bool is_finished(const Record& session, const conf::SessionLimits& limits) {
    return session.type == conf::SessionType::normal && limits.server_datagrams > 0 &&
           limits.client_datagrams == limits.server_datagrams &&
           session.reason == CloseReason::server_datagrams &&
           session.counters.to_server_datagrams == limits.server_datagrams;
}

}  // namespace

SocketSupply::SocketSupply(const conf::UdpServer& settings, const net::SocketPool& pool,
                           std::span<PoolEntry> entries, unsigned worker, std::size_t places,
                           net::ServerSide& side, Request request)
    : settings_(settings),
      groups_(pool.groups()),
      worker_(worker),
      noticed_at_once_(std::min(max_noticed, entries.size() / notice_part + 1)),
      low_water_(std::min(max_low_water, places / 2 + 1)),
      request_(std::move(request)),
      side_(side),
      leases_(entries, groups_.size(), side, settings.quarantine),
      supplies_(groups_.size()) {}

void SocketSupply::arrived(std::size_t group, bool complete, Instant now) {
    Supply& supply = supplies_[group];
    supply.not_before = complete ? now : now + request_interval;
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

bool SocketSupply::is_available(std::size_t group, const Endpoint& server, conf::SessionType type,
                                Client client, Instant now) {
    if (has_socket(group, server, type, client, now)) return true;
    if (now < supplies_[group].refuse_until) return false;
    request_more(group, now);
    if (is_exhausted(group)) start_delay(group, now);
    return false;
}

bool SocketSupply::has_socket(std::size_t group, const Endpoint& server, conf::SessionType type,
                              Client client, Instant now) {
    return may_lease(group, client, now) || (connects(type) && leases_.can_lease_for(server, group));
}

bool SocketSupply::may_lease(std::size_t group, Client client, Instant now) {
    if (client == Client::known) return free(group, now) > 0;
    const std::size_t reserved = is_exhausted(group) ? leases_.count(group) / reserved_part : 0;
    return now >= supplies_[group].refuse_until && free(group, now) > reserved;
}

std::size_t SocketSupply::free(std::size_t group, Instant now) {
    const std::size_t free = leases_.available(group, now), low = leases_.count(group) / low_part + 1;
    if (free >= low || !is_exhausted(group)) return free;
    notice_until_ = now + settings_.quarantine;
    const std::size_t more = leases_.shorten_quarantines(group, low - free, now);
    if (more > 0) warn_of_shortage(group, now);
    return free + more;
}

void SocketSupply::tick(Instant now) {
    if (now < noticed_at_ + notice_interval || noticed_at_ >= notice_until_) return;
    noticed_at_ = now;
    leases_.notice_received(noticed_at_once_, now);
}

std::optional<Instant> SocketSupply::next_tick() const {
    return noticed_at_ < notice_until_ ? std::optional(noticed_at_ + notice_interval) : std::nullopt;
}

void SocketSupply::warn_of_shortage(std::size_t group, Instant now) {
    Supply& supply = supplies_[group];
    if (now < supply.warn_after) return;
    supply.warn_after = now + warning_interval;
    base::log::write(base::msg::quarantine_shortened,
                     "worker {}: fewer than a tenth of the {} server-side sockets of {} are free; the "
                     "quarantine of unanswered and unconfirmed sessions is shortened to no less than {} s",
                     worker_, leases_.count(group), net::to_string(groups_[group]),
                     std::chrono::duration_cast<std::chrono::seconds>(SocketLeases::min_quarantine).count());
}

SocketSupply::Opened SocketSupply::open(std::size_t group, Slot session, const Endpoint& server,
                                        conf::SessionType type, Instant now) {
    SocketIndex socket = leases_.lease(group, session, now);
    if (socket == no_socket && connects(type)) socket = leases_.lease_for(server, group, session);
    if (leases_.available(group, now) < low_water_) request_more(group, now);
    if (socket == no_socket) {
        start_delay(group, now);
        return {};
    }
    supplies_[group].delay = Duration{0};
    const int error = leases_.open(socket, server, accepts(type));
    if (error == 0) return {.socket = socket};
    // Nothing was sent from it, so no reply can arrive; an earlier server's quarantine goes on.
    leases_.give_back(socket, now);
    return {.error = error};
}

void SocketSupply::address(const Record& session, net::SendBatch::Order& order) const {
    side_.address(session.socket, session.server, accepts(session.type), order);
}

void SocketSupply::request_more(std::size_t group, Instant now) {
    Supply& supply = supplies_[group];
    if (now < supply.not_before) return;
    supply.not_before = now + request_interval;  // a request without an answer is repeated
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
        net::to_string(groups_[group]), leases_.quarantined(group), leases_.count(group),
        supply.delay.count());
}

std::uint32_t SocketSupply::release(const Record& session, const conf::SessionLimits& limits, Instant now) {
    const Quarantine kind = is_finished(session, limits) ? Quarantine::full
                            : !session.answered()        ? Quarantine::unanswered
                            : session.unconfirmed()      ? Quarantine::unconfirmed
                                                         : Quarantine::full;
    return leases_.give_back(session.socket, quarantined_until(session, limits, now), kind);
}

Instant SocketSupply::quarantined_until(const Record& session, const conf::SessionLimits& limits,
                                        Instant now) const {
    if (is_finished(session, limits)) return now + settings_.quarantine_answered;
    return std::max(session.last_client, session.last_server) + settings_.quarantine;
}

}  // namespace session
