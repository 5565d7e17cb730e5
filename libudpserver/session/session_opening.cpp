// How a session begins: admission, policy, room, record, server, socket, in this order; a refusal at any step
// leaves no state behind (O-22).

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/session_type.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

constexpr Duration shortest_pause{100}, longest_pause{5000};
/// The parent is asked for more while so many sockets of a group are left, or half as many as there may be
/// sessions: enough for a burst of new clients, even when a busy machine lets the parent wait.
constexpr std::size_t low_water = 896;

/// Answers without a session, for all sources together: 100 in 10 seconds (O-24).
constexpr base::Rate opener_answer_rate{.per_second = 10, .burst = 100};

bool can_be_answered(const Endpoint& client) {
    const base::Address address = client.address();
    return client.port != 0 && address.family != base::Family::none && !address.is_any();
}

}  // namespace

Slot Sessions::open(std::size_t listener, const net::Datagram& datagram, Instant now) {
    policy::Decision decision;
    CloseReason reason = knock(datagram, now);
    if (reason == CloseReason::none) {
        decision = ask_policy(datagram, now);
        reason = refusal_by(decision, datagram.from.address(), now);
    }
    if (reason == CloseReason::none && decision.kind != policy::Decision::Kind::accept) {
        reason = begin_waiting(listener, datagram, decision, now);
        if (reason == CloseReason::none) return none;
    } else if (reason == CloseReason::none) {
        reason = admit(listener, datagram, decision, now);
        const Slot slot = reason == CloseReason::none ? free_.back() : none;
        if (slot != none) reason = start(slot, listener, datagram, decision, now);
        if (reason == CloseReason::none) return slot;
    }
    refuse(datagram, reason, decision.rule, now);
    return none;
}

CloseReason Sessions::knock(const net::Datagram& datagram, Instant now) {
    if (!can_be_answered(datagram.from)) return CloseReason::bad_source;
    // Only a forged source; our answer would come in as a question, and that again, for ever.
    if (listeners_.listens_at(datagram.from, datagram.local.address())) return CloseReason::bad_source;
    if (draining_) return CloseReason::admin;
    const base::Address source = datagram.from.address();
    if (refused_clients_.size() > 0 && refused_clients_.contain(source, now)) return CloseReason::admin;
    return paid_ ? admission_.check_open(source) : admission_.check(source, now);
}

policy::Question Sessions::question_about(const Endpoint& client, const Endpoint& local, std::uint8_t dscp,
                                          Instant now) {
    // Asking for the local time takes the C library's lock: once a second is exact enough for minutes.
    if (policy_.uses_time() && now >= local_time_until_) {
        local_time_ = base::LocalTime::now();
        local_time_until_ = now + std::chrono::seconds(1);
    }
    return {.client = client,
            .local = local,
            .dscp = dscp,
            .time = local_time_,
            .client_names = client_names_.find(client.address(), now)};
}

policy::Decision Sessions::ask_policy(const net::Datagram& datagram, Instant now) {
    const auto dscp = static_cast<std::uint8_t>(datagram.tos >> 2);
    return policy_.decide(question_about(datagram.from, datagram.local, dscp, now));
}

CloseReason Sessions::refusal_by(const policy::Decision& decision, const base::Address& client,
                                 Instant now) const {
    using Kind = policy::Decision::Kind;
    switch (decision.kind) {
        case Kind::deny:
            return CloseReason::acl;
        case Kind::no_server:
            return policy_.rule(*decision.rule).plug_to.empty() ? CloseReason::no_target
                                                                : CloseReason::resolve_failure;
        case Kind::awaits_client_names:
            // The last look-up failed a moment ago: refuse the client instead of asking for each datagram.
            return client_names_.failed(client, now) ? CloseReason::resolve_failure : CloseReason::none;
        default:
            return CloseReason::none;
    }
}

CloseReason Sessions::admit(std::size_t listener, const net::Datagram& datagram,
                            const policy::Decision& decision, Instant now) {
    const conf::Rule& rule = policy_.rule(*decision.rule);
    const conf::SessionLimits& limits = rule.limits;
    if (limits.client_bytes > 0 && datagram.payload.size() > limits.client_bytes)
        return CloseReason::client_bytes;
    if (!proxy_accepts(listener, datagram, now)) return CloseReason::proxy;
    // Before anything gives way for a session that cannot come to be.
    const std::size_t group = group_index(rule, decision.server.family);
    if (!socket_free(group, now)) return CloseReason::no_socket;
    if (const CloseReason limited = charge(datagram, now); limited != CloseReason::none) return limited;
    return make_room(rule, now);
}

/// Takes the session from the rates, once: what waits is charged when it begins to wait.
CloseReason Sessions::charge(const net::Datagram& datagram, Instant now) {
    const base::Address source = datagram.from.address();
    return std::exchange(paid_, false) ? admission_.check_open(source) : admission_.admit(source, now);
}

bool Sessions::proxy_accepts(std::size_t listener, const net::Datagram& datagram, Instant now) {
    const Opening opening = proxy_.judge_opener(datagram);
    if (opening.decision == Opening::Decision::answer) answer_opener(listener, datagram, opening.answer, now);
    return opening.decision == Opening::Decision::accept;
}

void Sessions::answer_opener(std::size_t listener, const net::Datagram& datagram,
                             std::span<const std::byte> answer, Instant now) {
    // Whoever forges sources must not make a reflector of us.
    if (!opener_answers_.take(opener_answer_rate, now)) return;
    const net::Listener& socket = listeners_.at(listener, worker_);
    out_.add({.fd = socket.descriptor(),
              .family = datagram.from.family,
              .payload = answer,
              .to = datagram.from,
              .source = socket.wildcard() ? datagram.local : Endpoint{},
              .tos = 0,
              .tag = no_session});
    out_.flush();  // the answer is the proxy's memory
}

bool Sessions::socket_free(std::size_t group, Instant now) {
    if (now < supplies_[group].refuse_until) return false;
    if (leases_.available(group, now) > 0) return true;
    ask_for_sockets(group, now);
    no_socket(group, now);
    return false;
}

CloseReason Sessions::make_room(const conf::Rule& rule, Instant now) {
    // What has ended in this turn has not given its place back yet.
    if (full() && !ending_.empty()) settle(now);
    if (const Slot oldest = to_evict_for(rule); oldest != none) {
        end(oldest, CloseReason::evicted);
        settle(now);
    }
    return full() ? CloseReason::sessions_full : CloseReason::none;
}

/// An answered session never makes room for another; one that nobody answered does (DESIGN §4). A one-way
/// session first: whoever sends through it just gets another one, and forged sources would else fill the
/// table with them for as long as `idle` lasts. `none`: there is room, or nobody can make any.
Slot Sessions::to_evict_for(const conf::Rule& rule) const {
    const bool adds_unanswered = rule.type != conf::SessionType::one_way;
    if (!full() && !(adds_unanswered && unanswered_full())) return none;
    return full() && one_way_.oldest() != none ? one_way_.oldest() : unanswered_.oldest();
}

bool Sessions::unanswered_full() const {
    return unanswered_.size() >= unanswered_most_;
}

CloseReason Sessions::start(Slot slot, std::size_t listener, const net::Datagram& datagram,
                            const policy::Decision& decision, Instant now) {
    fill(record(slot), listener, datagram, decision, now);
    Volatile& side = volatile_of(slot);
    side = {.handler = nullptr, .idle_window = {now, 0}, .extra = nullptr};
    SessionContext context(*this, slot, now);
    side.handler = proxy_.open(context);
    const CloseReason reason = connect(slot, now);
    if (reason != CloseReason::none) {
        abandon(slot);
        return reason;
    }
    go_live(slot);
    return CloseReason::none;
}

void Sessions::fill(Record& record, std::size_t listener, const net::Datagram& datagram,
                    const policy::Decision& decision, Instant now) {
    const std::uint32_t generation = record.generation + 1;
    const conf::Rule& matched = policy_.rule(*decision.rule);
    record = Record{.state = State::opening};
    record.type = matched.type;
    record.worker = static_cast<std::uint8_t>(worker_);
    record.listener = static_cast<std::uint16_t>(listener);
    record.rule = static_cast<std::uint16_t>(*decision.rule);
    record.generation = generation;
    record.policy_epoch = epoch_;
    record.dscp = static_cast<std::uint8_t>(datagram.tos >> 2);
    record.client = datagram.from;
    record.local = datagram.local;
    record.server = decision.server;
    record.created = record.last_client = record.last_server = now;
}

CloseReason Sessions::connect(Slot slot, Instant now) {
    Record& session = record(slot);
    const std::size_t group = group_index(rule_of(session), session.server.family);
    session.socket = lease_socket(group, slot, now);
    if (session.socket == none) return CloseReason::no_socket;
    const int error = leases_.open(session.socket, session.server, connects(session.type));
    if (error == 0) return CloseReason::none;
    base::log::write(base::msg::send_failed, "{}: no session with {}: connect: {}",
                     base::to_string(session.client), base::to_string(session.server), std::strerror(error));
    return CloseReason::socket_error;
}

Slot Sessions::lease_socket(std::size_t group, Slot slot, Instant now) {
    const Slot place = leases_.lease(group, slot, now);
    if (leases_.available(group, now) < std::min(low_water, slice_.size() / 2 + 1))
        ask_for_sockets(group, now);
    if (place == none) {
        no_socket(group, now);
    } else {
        supplies_[group].pause = Duration{0};
    }
    return place;
}

void Sessions::ask_for_sockets(std::size_t group, Instant now) {
    Supply& supply = supplies_[group];
    if (now < supply.not_before) return;
    supply.not_before = now + longest_pause;  // an answer that never comes is asked for again
    request_sockets_(group);
}

void Sessions::no_socket(std::size_t group, Instant now) {
    // The next try will most likely fail too: wait longer each time, until a socket comes free (L-26).
    Supply& supply = supplies_[group];
    supply.pause = supply.pause == Duration{0} ? shortest_pause : std::min(supply.pause * 2, longest_pause);
    supply.refuse_until = now + supply.pause;
    base::log::write(base::msg::pool_exhausted,
                     "worker {}: no server-side socket of {} is free; {} of all {} rest; next try in {} ms",
                     worker_, net::to_string(groups_[group]), leases_.resting(), leases_.size(),
                     supply.pause.count());
}

void Sessions::sockets_came(std::size_t group, bool complete, Instant now) {
    Supply& supply = supplies_[group];
    supply.not_before = complete ? now : now + longest_pause;
    supply.exhausted = !complete;
    if (complete) {
        supply.refuse_until = now;
        supply.pause = Duration{0};
    }
    leave_with_new_sockets(now);
}

void Sessions::go_live(Slot slot) {
    Record& session = record(slot);
    free_.pop_back();
    session.state = State::open;
    table_.insert(table_.key_of(session), slot);
    (session.type == conf::SessionType::one_way ? one_way_ : unanswered_).push(slot);
    admission_.opened(session.client.address());
    set_deadline(slot);
    totals_.created.add();
    ++rule_counts_[session.rule].begun;
    count_open();
    chronicle_.begins(session, slot, session.created);
    if (config_.log.names) name_client(slot, session.created);
    base::log::write(base::msg::session_opened, "{}: session {}.{} began, with {}, by rule {}",
                     base::to_string(session.client), slot, session.generation,
                     base::to_string(session.server), rule_of(session).name);
}

void Sessions::abandon(Slot slot) {
    Record& session = record(slot);
    volatile_of(slot).handler.reset();
    volatile_of(slot).extra.reset();
    // Nothing was sent from the socket, so no answer can be on its way.
    if (session.socket != none) leases_.give_back(session.socket, session.created);
    session.socket = none;
    session.state = State::free;
}

void Sessions::refuse(const net::Datagram& datagram, CloseReason reason, std::optional<std::size_t> rule,
                      Instant now) {
    totals_.refused.add();
    totals_.refused_by[static_cast<std::size_t>(reason)].add();
    ++rule_counts_[rule.value_or(rule_counts_.size() - 1)].refused;
    warn_of_refusal(datagram, reason, rule, now);
    if (refusals_.empty()) refusals_due_ = now + std::chrono::seconds(1);
    refusals_.count(datagram.from, datagram.local, reason, rule, datagram.payload.size(), now);
    chronicle_.refused(datagram.from, datagram.local, reason, rule, now);
}

void Sessions::warn_of_refusal(const net::Datagram& datagram, CloseReason reason,
                               std::optional<std::size_t> rule, Instant now) {
    // A flood must not spend its time on composing lines that the budget then drops.
    Instant& last = warned_[static_cast<std::size_t>(reason)];
    if (last != Instant{} && now - last < std::chrono::seconds(1)) return;
    last = now;
    const std::string client = base::to_string(datagram.from);
    if (reason == CloseReason::sessions_full) {
        base::log::write(base::msg::sessions_full,
                         "{}: refused: worker {} has no place left, all its {} sessions are open", client,
                         worker_, most_);
    } else if (reason == CloseReason::source_limited) {
        base::log::write(base::msg::source_limited, "{}: refused: its address or network has had its share",
                         client);
    } else {
        const std::string by = rule                         ? ", rule " + policy_.rule(*rule).name
                               : reason == CloseReason::acl ? ", no rule matches"
                                                            : "";
        base::log::write(base::msg::refused, "{} to {}: refused: {}{}", client,
                         base::to_string(datagram.local), to_string(reason), by);
    }
}

std::size_t Sessions::group_index(const conf::Rule& rule, base::Family family) const {
    const net::PoolGroup wanted = net::group_for(rule, family);
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        if (groups_[i] == wanted) return i;
    }
    return groups_.size();
}

}  // namespace session
