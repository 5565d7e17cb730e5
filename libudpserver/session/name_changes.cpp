// What a worker does when a name of the configuration means something else (K-54): new sessions use it from
// now on, first datagrams that waited for it go on, and sessions on addresses that went do what
// on-name-change of their rule says.

#include <algorithm>

#include "base/log.hpp"
#include "libudpserver/net/udp_socket.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

namespace {

/// A name may have many sessions, and whoever has its zone says when they all move or end. Everybody else
/// waits for what is done at once; the rest comes in the ticks that follow.
constexpr std::size_t leave_at_once = 256;

/// Whether the machine has this address: only such a one can be bound.
bool is_local(const base::Address& address) try {
    const base::UniqueFd probe = net::make_udp_socket(address.family, "probe");
    return net::try_bind(probe.get(), Endpoint(address, 0)) == 0;
} catch (const net::SocketError&) {
    return false;  // without a socket of this family the machine has no such address
}

}  // namespace

std::size_t Sessions::name_news(std::size_t name, policy::Names::Addresses addresses, bool unresolved,
                                Instant now) {
    const policy::Names::Addresses before = names().addresses(name);
    const bool first_word = !names().known(name) || (!unresolved && !heard_[name]);
    if (unresolved) {
        policy_.set_unresolved(name);
    } else {
        policy_.set_addresses(name, std::move(addresses));
        heard_[name] = true;
    }
    if (!first_word && names().addresses(name) == before) return 0;
    if (adopted_) judge_unjudged(now);
    const std::size_t left = adopted_ ? review(name, before, first_word, now) : 0;
    go_on(waiting_.take([this, now](WaitingOpeners::Waiter& waiter) {
        return waiter.decision.awaits_configured_names() && judge_again(waiter, now);
    }),
          now);
    settle(now);
    return left;
}

/// Of which rules which sessions are to be looked at. As long as a name of a rule is unknown, nobody can say
/// what is none of its addresses.
std::size_t Sessions::review(std::size_t name, const policy::Names::Addresses& before, bool first_word,
                             Instant now) {
    Review review{std::vector<Review::Kind>(policy_.size()), {}};
    std::ranges::set_difference(before, names().addresses(name), std::back_inserter(review.gone));
    for (const std::size_t rule : policy_.rules_to(name)) {
        if (first_word && all_heard(rule)) {
            review.rules[rule] = Review::Kind::all;
        } else if (all_known(rule)) {
            review.rules[rule] = Review::Kind::gone;
        }
    }
    return leave_addresses(review, now);
}

bool Sessions::all_known(std::size_t rule) const {
    return std::ranges::all_of(policy_.rule(rule).plug_to, [this](const conf::Server& server) {
        return server.name.empty() || names().known(*names().index(server.name));
    });
}

bool Sessions::all_heard(std::size_t rule) const {
    return std::ranges::all_of(policy_.rule(rule).plug_to, [this](const conf::Server& server) {
        return server.name.empty() || heard_[*names().index(server.name)];
    });
}

/// After an adoption: names that were told before it.
void Sessions::review_adopted(Instant now) {
    Review review{std::vector<Review::Kind>(policy_.size()), {}};
    for (std::size_t name = 0; name < names().size(); ++name)
        for (const std::size_t rule : policy_.rules_to(name))
            if (all_heard(rule)) review.rules[rule] = Review::Kind::all;
    leave_addresses(review, now);
}

std::size_t Sessions::leave_addresses(const Review& review, Instant now) {
    const bool any = std::ranges::any_of(review.rules, [&review](Review::Kind kind) {
        return kind == Review::Kind::all || (kind == Review::Kind::gone && !review.gone.empty());
    });
    if (!any) return 0;
    std::size_t left = 0, unseen = open_sessions();
    for (const Record& session : slice_) {
        if (unseen == 0) break;  // most of a big table may never have been used
        if (session.state != State::open) continue;
        --unseen;
        if (session.reason != CloseReason::none || !is_left(session, review.rules[session.rule], review.gone))
            continue;
        ++left;
        if (rule_of(session).on_name_change != conf::OnNameChange::keep)
            to_leave_[static_cast<Slot>(&session - arena_.records().data())] = session.generation;
    }
    leave_some(now);
    return left;
}

bool Sessions::is_left(const Record& session, Review::Kind kind, const policy::Names::Addresses& gone) const {
    const base::Address server = session.server.address();
    if (kind == Review::Kind::nobody || session.server_chosen != 0) return false;
    if (policy_.has_server(session.rule, server)) return false;
    if (kind == Review::Kind::gone) return std::ranges::binary_search(gone, server);
    // Whoever answered first is the server of an any-sock session, and need not have been in any list.
    return session.type != conf::SessionType::any_sock || session.server_fixed == 0;
}

void Sessions::leave_address(Slot slot, Instant now) {
    switch (rule_of(record(slot)).on_name_change) {
        case conf::OnNameChange::keep:
            break;
        case conf::OnNameChange::move:
            move(slot, now);
            break;
        case conf::OnNameChange::close:
            end(slot, CloseReason::name_change);
            break;
    }
}

void Sessions::move(Slot slot, Instant now) {
    const Record& session = record(slot);
    // It only waits for what the old server has still to say.
    if (session.detached != 0 && !holds(slot)) return;
    const conf::Server* chosen = policy_.server_for(session.rule, session.client.address());
    if (chosen == nullptr) return;  // K-55: better there than nowhere
    const Endpoint server = chosen->endpoint;
    const CloseReason reason = reconnect(slot, server, now);
    if (reason == CloseReason::no_socket &&
        !supplies_[group_index(rule_of(session), server.family)].exhausted) {
        left_behind_[slot] = session.generation;
        return;
    }
    if (reason != CloseReason::none) return end(slot, reason);
    base::log::write(base::msg::debug, "{}: session {}.{} moved to {}", base::to_string(session.client), slot,
                     session.generation, base::to_string(server));
}

/// Those that are still to leave go on where they are until then.
void Sessions::leave_some(Instant now) {
    for (std::size_t i = 0; i < leave_at_once && !to_leave_.empty(); ++i) {
        const auto [slot, generation] = *to_leave_.begin();
        to_leave_.erase(to_leave_.begin());
        const Record& session = record(slot);
        const bool lives = session.state == State::open && session.generation == generation &&
                           session.reason == CloseReason::none && session.server_chosen == 0;
        if (lives && !policy_.has_server(session.rule, session.server.address())) leave_address(slot, now);
    }
}

/// A name that moves many sessions needs more sockets at once than are at hand: those that found none try it
/// again when the parent's answer comes.
void Sessions::leave_with_new_sockets(Instant now) {
    to_leave_.merge(left_behind_);
    left_behind_.clear();
    leave_some(now);
}

bool Sessions::own_endpoint(const Endpoint& endpoint) const {
    if (listeners_.listens_at(endpoint, {})) return true;
    const base::Address address = endpoint.address();
    return listeners_.listens_at(endpoint, address) && is_local(address);
}

}  // namespace session
