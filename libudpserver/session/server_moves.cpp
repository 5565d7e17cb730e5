#include "libudpserver/session/server_moves.hpp"

#include <algorithm>
#include <utility>

namespace session {

namespace {

/// A name may have many sessions, and the owner of its zone decides when they all move or close. The others
/// wait for what is done at once; the rest follows in the next ticks.
constexpr std::size_t moves_per_batch = 256;

}  // namespace

ServerMoves::ServerMoves(policy::Policy& policy, UnreachableServers& unreachable, SessionStore& sessions,
                         SocketSupply& sockets, Outbox& outbox, SessionReports& reports)
    : policy_(policy),
      unreachable_(unreachable),
      sessions_(sessions),
      sockets_(sockets),
      outbox_(outbox),
      reports_(reports),
      updated_(policy.names().size()) {}

ServerMoves::Change ServerMoves::update(std::size_t name, policy::Names::Addresses addresses,
                                        bool unresolved) {
    const policy::Names& names = policy_.names();
    Change change{.changed = true,
                  .is_first = !names.known(name) || (!unresolved && !updated_[name]),
                  .before = names.addresses(name)};
    if (unresolved) {
        policy_.set_unresolved(name);
    } else {
        policy_.set_addresses(name, std::move(addresses));
        updated_[name] = true;
    }
    change.changed = change.is_first || names.addresses(name) != change.before;
    return change;
}

/// While a name of a rule is unknown, it is not known which addresses the rule lacks.
std::size_t ServerMoves::review(std::size_t name, const Change& change, Instant now) {
    Review review{std::vector<Scope>(policy_.size()), {}};
    std::ranges::set_difference(change.before, policy_.names().addresses(name),
                                std::back_inserter(review.removed));
    for (const std::size_t rule : policy_.rules_to(name)) {
        if (change.is_first && are_all_updated(rule)) {
            review.rules[rule] = Scope::all;
        } else if (are_all_known(rule)) {
            review.rules[rule] = Scope::removed;
        }
    }
    return run(review, now);
}

void ServerMoves::review_adopted(Instant now) {
    Review review{std::vector<Scope>(policy_.size()), {}};
    for (std::size_t name = 0; name < policy_.names().size(); ++name)
        for (const std::size_t rule : policy_.rules_to(name))
            if (are_all_updated(rule)) review.rules[rule] = Scope::all;
    run(review, now);
}

bool ServerMoves::are_all_known(std::size_t rule) const {
    return std::ranges::all_of(policy_.rule(rule).plug_to, [this](const conf::Server& server) {
        return server.name.empty() || policy_.names().known(*policy_.names().index(server.name));
    });
}

bool ServerMoves::are_all_updated(std::size_t rule) const {
    return std::ranges::all_of(policy_.rule(rule).plug_to, [this](const conf::Server& server) {
        return server.name.empty() || updated_[*policy_.names().index(server.name)];
    });
}

std::size_t ServerMoves::run(const Review& review, Instant now) {
    const bool any = std::ranges::any_of(review.rules, [&review](Scope scope) {
        return scope == Scope::all || (scope == Scope::removed && !review.removed.empty());
    });
    if (!any) return 0;
    std::size_t left = 0, unseen = sessions_.open();
    // Most of a big table may never have been used.
    for (Slot slot = sessions_.first(); slot < sessions_.end() && unseen > 0; ++slot) {
        const Session session = sessions_.at(slot);
        if (session->state != State::open) continue;
        --unseen;
        if (!session.is_open() || !has_left(session.record(), review.rules[session->rule], review.removed))
            continue;
        ++left;
        if (policy_.rule(session->rule).on_name_change != conf::OnNameChange::keep)
            pending_[slot] = session->generation;
    }
    run_pending(now);
    return left;
}

bool ServerMoves::has_left(const Record& record, Scope scope, const policy::Names::Addresses& removed) const {
    const base::Address server = record.server.address();
    if (scope == Scope::unaffected || record.server_chosen != 0) return false;
    if (policy_.has_server(record.rule, server)) return false;
    if (scope == Scope::removed) return std::ranges::binary_search(removed, server);
    // The server of an any-sock session is the sender of its first answer, which need not be in any list.
    return record.type != conf::SessionType::any_sock || record.server_fixed == 0;
}

/// A server that its rule lacks was removed. Names that are not resolved yet decide when they are.
void ServerMoves::review(Session session, Instant now) {
    if (!session.is_open()) return;
    if (!are_all_updated(session->rule) || !has_left(session.record(), Scope::all, {})) return;
    if (policy_.rule(session->rule).on_name_change == conf::OnNameChange::close) {
        sessions_.close(session, CloseReason::policy);
    } else {
        leave_server(session, now);
    }
}

void ServerMoves::leave_server(Session session, Instant now) {
    switch (policy_.rule(session->rule).on_name_change) {
        case conf::OnNameChange::keep:
            break;
        case conf::OnNameChange::move:
            move(session, now);
            break;
        case conf::OnNameChange::close:
            sessions_.close(session, CloseReason::name_change);
            break;
    }
}

void ServerMoves::move(Session session, Instant now) {
    // A detached session only waits for the answers of its old server.
    if (session->detached != 0 && !session.is_holding()) return;
    const conf::Server* chosen = unreachable_.server_for(session->rule, session->client.address());
    if (chosen == nullptr) chosen = policy_.server_for(session->rule, session->client.address());
    if (chosen == nullptr) return;  // K-55: better there than nowhere
    const Endpoint server = chosen->endpoint;
    const CloseReason reason = reconnect(session, server, now, true);
    const std::size_t group = sockets_.group_for(policy_.rule(session->rule), server.family);
    if (reason == CloseReason::none) {
        reports_.moved(session);
    } else if (reason == CloseReason::no_socket && !sockets_.is_exhausted(group)) {
        awaiting_socket_[session.slot()] = session->generation;
    } else {
        sessions_.close(session, reason);
    }
}

void ServerMoves::run_pending(Instant now) {
    for (std::size_t i = 0; i < moves_per_batch && !pending_.empty(); ++i) {
        const auto [slot, generation] = *pending_.begin();
        pending_.erase(pending_.begin());
        const Session session = sessions_.find(SessionId{slot, generation});
        if (session && session->server_chosen == 0 &&
            !policy_.has_server(session->rule, session->server.address()))
            leave_server(session, now);
    }
}

/// A name that moves many sessions needs more sockets at once than there are.
void ServerMoves::sockets_arrived(Instant now) {
    pending_.merge(awaiting_socket_);
    awaiting_socket_.clear();
    run_pending(now);
}

bool ServerMoves::set_server(Session session, const Endpoint& server, Instant now) {
    const std::size_t group = sockets_.group_for(policy_.rule(session->rule), server.family);
    // Often the client has named it: this proxy itself would be a loop.
    if (group == sockets_.groups() || !policy_.can_be_server(session->rule, server)) return false;
    if (session->state == State::opening) {
        session->server = server;  // the socket comes after Proxy::open
    } else if (!session.is_open()) {
        return false;
    } else if (server != session->server && reconnect(session, server, now, false) != CloseReason::none) {
        return false;
    }
    session->server_chosen = 1;
    return true;
}

/// The session continues with another server and another socket. The old one is quarantined, where the late
/// answers of the old server end. Nothing changes when it fails.
CloseReason ServerMoves::reconnect(Session session, const Endpoint& server, Instant now, bool may_choose) {
    const conf::Rule& rule = policy_.rule(session->rule);
    const std::size_t group = sockets_.group_for(rule, server.family);
    if (group == sockets_.groups() ||
        !sockets_.is_available(group, server, session->type, SocketSupply::Client::known, now))
        return CloseReason::no_socket;
    const auto [socket, error] = sockets_.open(group, session.slot(), server, session->type, now);
    if (error != 0) {
        const conf::Server* other = nullptr;
        if (may_choose)
            other = unreachable_.instead_of(server, session->rule, session->client.address(), error, now);
        if (other != nullptr) return reconnect(session, other->endpoint, now, true);
        reports_.connect_failed(session, server, error, now);
        return CloseReason::socket_error;
    }
    if (socket == no_socket) return CloseReason::no_socket;
    outbox_.flush(now);  // what is for the old server goes there
    reports_.dropped_by_kernel(sockets_.release(session.record(), rule.limits, now));
    session->socket = socket;
    session->server = server;
    session->server_fixed = 0;
    session.side().silence = {};  // what the old server left unanswered says nothing about this one
    return CloseReason::none;
}

}  // namespace session
