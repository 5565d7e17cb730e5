#include "libudpserver/session/sessions.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

constexpr std::size_t send_slots = 64;
/// Which side a datagram goes to, in the tag of a SendBatch; the rest of the tag is the slot.
constexpr std::uint64_t to_client_bit = std::uint64_t{1} << 63;
constexpr base::Rate foreign_lines{.per_second = 10, .burst = 50};
constexpr base::Rate error_lines{.per_second = 10, .burst = 50};

std::vector<bool> wildcards(const net::ListenerSet& listeners) {
    std::vector<bool> result;
    for (std::size_t i = 0; i < listeners.size(); ++i)
        result.push_back(listeners.wildcard(i));
    return result;
}

std::vector<std::string> rule_names(const conf::Config& config) {
    std::vector<std::string> names;
    for (const conf::Rule& rule : config.session_acl)
        names.push_back(rule.name);
    return names;
}

std::size_t share_of(const conf::UdpServer& server, unsigned worker) {
    return first_slot(server.max_sessions, worker + 1, server.workers) -
           first_slot(server.max_sessions, worker, server.workers);
}

/// DSCP by the rule, ECN always as received (K-49).
std::uint8_t traffic_class(std::uint8_t received, const std::optional<std::uint8_t>& dscp) {
    return dscp ? static_cast<std::uint8_t>(*dscp << 2 | (received & 3)) : received;
}

/// The beginning of a datagram into the log, at the highest level only (K-69).
void dump(std::string_view side, const Record& session, std::span<const std::byte> payload) {
    if (base::log::level() < base::LogLevel::full) return;
    base::log::dump(base::to_string(session.client) + ": from the " + std::string(side), payload);
}

}  // namespace

Slot first_slot(const Arena& arena, const conf::Config& config, unsigned worker) {
    return first_slot(arena.records().size(), worker, config.udpserver.workers);
}

Sessions::Sessions(const SessionsSetup& setup)
    : config_(setup.config),
      listeners_(setup.listeners),
      groups_(setup.pool.groups()),
      arena_(setup.arena),
      worker_(setup.worker),
      proxy_(setup.proxy),
      request_sockets_(setup.request_sockets),
      look_up_(setup.look_up),
      first_(first_slot(arena_, config_, worker_)),
      slice_(arena_.records().subspan(first_, first_slot(arena_, config_, worker_ + 1) - first_)),
      totals_(arena_.totals(worker_)),
      history_(setup.history),
      epoch_(history_ != nullptr ? history_->epoch : 0),
      policy_(config_, [this](const Endpoint& endpoint) { return own_endpoint(endpoint); }),
      heard_(names().size()),
      hold_budget_(config_.resolver.hold, config_.udpserver.workers),
      waiting_(hold_budget_),
      client_names_(hold_budget_.sessions()),
      table_(arena_.records(), wildcards(listeners_), slice_.size()),
      wheel_(slice_.size(), setup.start, first_),
      unanswered_(slice_.size(), first_),
      one_way_(slice_.size(), first_),
      admission_(config_.udpserver, static_cast<std::uint32_t>(slice_.size()), config_.udpserver.workers),
      leases_(arena_.pool(), groups_.size(), setup.pool.filter(), config_.udpserver.quarantine,
              setup.add_to_poller),
      out_(send_slots, [this](std::uint64_t tag, std::size_t size, int error) { sent(tag, size, error); }),
      refusals_(config_.proxy, rule_names(config_)),
      volatile_(slice_.size()),
      most_(share_of(config_.udpserver, worker_)),
      unanswered_most_(std::max<std::size_t>(1, most_ * config_.udpserver.unanswered_share / 100)),
      supplies_(groups_.size()),
      rule_counts_(config_.session_acl.size() + 1) {
    free_.reserve(slice_.size());
    ending_.reserve(slice_.size());
}

Sessions::~Sessions() = default;

// From the client.

void Sessions::on_client(std::size_t listener, net::Datagram& datagram, Instant now) {
    bool refused = false;
    Slot slot = running(listener, datagram, refused, now);
    if (refused || (slot == none && join_waiter(listener, datagram))) return;
    if (slot == none) slot = open(listener, datagram, now);
    if (slot != none) forward_to_server(slot, datagram, now);
}

Slot Sessions::running(std::size_t listener, const net::Datagram& datagram, bool& refused, Instant now) {
    const Slot slot = table_.find(key_of(listener, datagram));
    if (slot == none) return none;
    Record& session = record(slot);
    const conf::SessionLimits& limits = rule_of(session).limits;
    // The timer may be late by a tick and its budget; the limit is not.
    if (const CloseReason reason = expired(session, limits, now, volatile_of(slot).idle_window);
        reason != CloseReason::none) {
        end(slot, reason);
        settle(now);  // the next session may need its place, and its share of what the source may have
        return none;
    }
    switch (client_datagram(session, limits, datagram.payload.size())) {
        case Admit::forward:
            return slot;
        case Admit::new_session:
            detach(slot);
            return none;
        case Admit::refuse:
            break;
    }
    totals_.over_limit.add();
    refused = true;
    return none;
}

void Sessions::forward_to_server(Slot slot, net::Datagram& datagram, Instant now) {
    Record& session = record(slot);
    session.last_client = now;
    session.counters.client_datagrams++;
    session.counters.client_bytes += datagram.payload.size();
    totals_.client_datagrams.add();
    totals_.client_bytes.add(datagram.payload.size());
    dump("client", session, datagram.payload);
    if (holds(slot) || pass_to_server(slot, datagram, now) == Verdict::hold) hold(slot, datagram);
    client_limit_now(slot);
}

Verdict Sessions::pass_to_server(Slot slot, net::Datagram& datagram, Instant now) {
    const Verdict verdict = ask_handler(slot, datagram, true, now);
    if (verdict == Verdict::forward) {
        const conf::Rule& rule = rule_of(record(slot));
        queue_to_server(slot, datagram.payload, traffic_class(datagram.tos, rule.dscp.to_server));
    }
    return verdict;
}

void Sessions::client_limit_now(Slot slot) {
    const Record& session = record(slot);
    const conf::SessionLimits& limits = rule_of(session).limits;
    if (!client_limit_reached(session, limits)) return;
    // Of a one-way session nothing is left to come, but perhaps something to go.
    if (session.type == conf::SessionType::one_way && !holds(slot)) {
        end(slot, client_limit(session, limits));
    } else {
        detach(slot);
    }
}

void Sessions::queue_to_server(Slot slot, std::span<const std::byte> payload, std::uint8_t tos) {
    const Record& session = record(slot);
    out_.add({.fd = leases_.descriptor(session.socket),
              .family = session.server.family,
              .payload = payload,
              .to = connects(session.type) ? Endpoint{} : session.server,
              .source = {},
              .tos = tos,
              .tag = slot});
}

// From the server.

void Sessions::on_server(Slot place, net::Datagram& datagram, Instant now) {
    const Slot slot = leases_.session_of(place);
    if (!uses_own_worker(slot) || record(slot).state != State::open || record(slot).socket != place ||
        record(slot).reason != CloseReason::none) {
        totals_.stray.add();
        return;
    }
    if (datagram.truncated) {
        totals_.truncated.add();
        base::log::write(base::msg::truncated,
                         "server {}: a datagram was dropped: it is longer than {} bytes",
                         base::to_string(datagram.from), net::buffer_size);
        return;
    }
    if (foreign_reply(slot, datagram, now)) return;
    const conf::SessionLimits& limits = rule_of(record(slot)).limits;
    if (const CloseReason over = server_datagram_refused(record(slot), limits, datagram.payload.size());
        over != CloseReason::none) {
        totals_.over_limit.add();
        end(slot, over);
        return;
    }
    forward_to_client(slot, datagram, now);
}

bool Sessions::foreign_reply(Slot slot, const net::Datagram& datagram, Instant now) {
    Record& session = record(slot);
    switch (judge_reply(session, rule_of(session), datagram.from)) {
        case Judgement::forward:
            return false;
        case Judgement::fix_and_forward:
            session.server = datagram.from;
            session.server_fixed = 1;
            return false;
        case Judgement::end_session:
            base::log::write(base::msg::one_way_reply, "{}: one-way session {}.{} ends: {} answered",
                             base::to_string(session.client), slot, session.generation,
                             base::to_string(datagram.from));
            end(slot, CloseReason::one_way_reply);
            return true;
        case Judgement::foreign:
            break;
    }
    totals_.foreign.add();
    if (foreign_log_.take(foreign_lines, now)) {
        base::log::write(base::msg::foreign_datagram,
                         "{}: session {}.{}: a datagram from {} was ignored: its server is {}",
                         base::to_string(session.client), slot, session.generation,
                         base::to_string(datagram.from), base::to_string(session.server));
    }
    return true;
}

void Sessions::forward_to_client(Slot slot, net::Datagram& datagram, Instant now) {
    Record& session = record(slot);
    const bool first = !session.answered();
    session.last_server = now;
    session.counters.server_datagrams++;
    session.counters.server_bytes += datagram.payload.size();
    totals_.server_datagrams.add();
    totals_.server_bytes.add(datagram.payload.size());
    dump("server", session, datagram.payload);
    if (first) first_reply(slot);
    const conf::Rule& rule = rule_of(session);
    if (ask_handler(slot, datagram, false, now) == Verdict::forward) {
        // Broadcast: each responder keeps its own address (K-43).
        const bool broadcast = session.type == conf::SessionType::broadcast;
        const Endpoint as = broadcast ? datagram.from : session.local;
        queue_to_client(slot, datagram.payload, traffic_class(datagram.tos, rule.dscp.to_client), as);
    }
    release_held(slot, now);
    if (const CloseReason reached = ends_after_reply(session, rule.limits); reached != CloseReason::none) {
        end(slot, reached);
    }
}

void Sessions::first_reply(Slot slot) {
    unanswered_.remove(slot);
    totals_.unanswered.set(unanswered_.size());
    set_deadline(slot);
}

void Sessions::queue_to_client(Slot slot, std::span<const std::byte> payload, std::uint8_t tos,
                               const Endpoint& as) {
    const Record& session = record(slot);
    const net::Listener& listener = listeners_.at(session.listener, worker_);
    const bool choose_source = listener.wildcard() || session.type == conf::SessionType::broadcast;
    out_.add({.fd = listener.descriptor(),
              .family = session.client.family,
              .payload = payload,
              .to = session.client,
              .source = choose_source ? as : Endpoint{},
              .tos = tos,
              .tag = slot | to_client_bit});
}

// Both.

Verdict Sessions::ask_handler(Slot slot, net::Datagram& datagram, bool from_client, Instant now) {
    SessionHandler* handler = volatile_of(slot).handler.get();
    if (handler == nullptr) return Verdict::forward;
    SessionContext context(*this, slot, now);
    const Verdict verdict =
        from_client ? handler->on_client(context, datagram) : handler->on_server(context, datagram);
    // Only what a client sends can wait.
    const bool holds = verdict == Verdict::hold && from_client;
    if (verdict != Verdict::forward && !holds) totals_.dropped_by_proxy.add();
    if (verdict == Verdict::close) end(slot, CloseReason::proxy);
    return verdict;
}

void Sessions::sent(std::uint64_t tag, std::size_t size, int error) {
    if (tag == no_session) return;
    const Slot slot = static_cast<Slot>(tag & ~to_client_bit);
    if (error != 0) {
        count_send_error(slot, error);
    } else if ((tag & to_client_bit) != 0) {
        record(slot).counters.to_client_datagrams++;
        record(slot).counters.to_client_bytes += size;
        totals_.to_client_datagrams.add();
        totals_.to_client_bytes.add(size);
    } else {
        record(slot).counters.to_server_datagrams++;
        record(slot).counters.to_server_bytes += size;
        totals_.to_server_datagrams.add();
        totals_.to_server_bytes.add(size);
    }
}

void Sessions::count_send_error(Slot slot, int error) {
    if (error == ECONNREFUSED || error == EHOSTUNREACH) return icmp_error(slot, error);
    (error == EAGAIN || error == ENOBUFS || error == ENOMEM ? totals_.send_full : totals_.send_errors).add();
    // Each failed datagram comes here: the words are composed only for the few that are written.
    if (!error_log_.take(error_lines, settled_)) return;
    base::log::write(base::msg::send_failed, "{}: session {}.{} with {}: a datagram could not be sent: {}",
                     base::to_string(record(slot).client), slot, record(slot).generation,
                     base::to_string(record(slot).server), std::strerror(error));
}

void Sessions::on_server_error(Slot place, int error) {
    const Slot slot = leases_.session_of(place);
    if (uses_own_worker(slot) && record(slot).socket == place) icmp_error(slot, error);
}

void Sessions::icmp_error(Slot slot, int error) {
    const Record& session = record(slot);
    totals_.icmp_errors.add();
    if (error_log_.take(error_lines, settled_)) {
        base::log::write(base::msg::icmp_error, "{}: session {}.{}: server {} cannot be reached: {}",
                         base::to_string(session.client), slot, session.generation,
                         base::to_string(session.server), std::strerror(error));
    }
    if (rule_of(session).on_icmp_error == conf::IcmpError::close) end(slot, CloseReason::icmp_error);
}

}  // namespace session
