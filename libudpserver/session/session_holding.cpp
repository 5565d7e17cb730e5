// What a proxy's handler can do beyond its verdicts: let the client's datagrams wait for a look-up (K-58),
// and give the session another server.

#include <cstring>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/session/session_type.hpp"
#include "libudpserver/session/sessions.hpp"

namespace session {

Sessions::Extra& Sessions::extra_of(Slot slot) {
    std::unique_ptr<Extra>& extra = volatile_of(slot).extra;
    if (!extra) extra = std::make_unique<Extra>(hold_budget_);
    return *extra;
}

bool Sessions::holds(Slot slot) const {
    const Extra* extra = volatile_of(slot).extra.get();
    return extra != nullptr && extra->holding;
}

void Sessions::hold(Slot slot, const net::Datagram& datagram) {
    Extra& extra = extra_of(slot);
    extra.holding = true;
    if (extra.queue.push(record(slot).listener, datagram)) {
        totals_.held.add();
    } else {
        totals_.hold_dropped.add();
        no_room(record(slot).client);
    }
}

void Sessions::resume(Slot slot) {
    if (holds(slot)) extra_of(slot).resuming = true;
}

void Sessions::release_held(Slot slot, Instant now) {
    Extra* extra = volatile_of(slot).extra.get();
    if (extra == nullptr || !extra->resuming) return;
    extra->resuming = extra->holding = false;
    while (!extra->queue.empty() && record(slot).reason == CloseReason::none) {
        net::Datagram datagram = extra->queue.front().datagram();
        if (pass_to_server(slot, datagram, now) == Verdict::hold) {
            extra->queue.front().payload.resize(datagram.payload.size());  // as the handler left it
            extra->holding = true;
            return;
        }
        leaving_.push_back(extra->queue.pop());
    }
    client_limit_now(slot);
}

void Sessions::drop_held(Slot slot) {
    Extra* extra = volatile_of(slot).extra.get();
    if (extra == nullptr) return;
    totals_.hold_dropped.add(extra->queue.size());
    extra->queue.clear();
}

void Sessions::resolve(Slot slot, const std::string& name, SessionContext::Resolved done) {
    look_up({.name = name, .address = {}},
            [slot, generation = record(slot).generation, name, done = std::move(done)](
                Sessions& sessions, const LookupAnswer& answer, Instant now) {
                // The place may have another session by now, or one that has ended in this turn.
                const Record& session = sessions.record(slot);
                if (session.state != State::open || session.generation != generation) return;
                if (session.reason != CloseReason::none) return;
                if (answer.status == LookupAnswer::Status::failed) {
                    base::log::write(base::msg::lookup_failed, "{}: session {}.{}: name {}: {}",
                                     base::to_string(session.client), slot, generation, name, answer.detail);
                }
                sessions.resolved(slot, done, answer, now);
            });
}

void Sessions::resolved(Slot slot, const SessionContext::Resolved& done, const LookupAnswer& answer,
                        Instant now) {
    SessionContext context(*this, slot, now);
    done(context, answer);
    release_held(slot, now);
    if (answer.status == LookupAnswer::Status::failed && holds(slot)) end(slot, CloseReason::resolve_failure);
}

bool Sessions::set_server(Slot slot, const Endpoint& server, Instant now) {
    Record& session = record(slot);
    const std::size_t group = group_index(rule_of(session), server.family);
    // Often the client has named it: this proxy itself would be a loop.
    if (group == groups_.size() || !policy_.can_be_server(session.rule, server)) return false;
    if (session.state == State::opening) {
        session.server = server;  // the socket comes after Proxy::open
    } else if (session.state != State::open || session.reason != CloseReason::none) {
        return false;
    } else if (server != session.server && reconnect(slot, server, now) != CloseReason::none) {
        return false;
    }
    session.server_chosen = 1;
    return true;
}

/// The session goes on with another server and another socket; the old one rests, and the old server's late
/// answers end in it. Nothing changes when it fails.
CloseReason Sessions::reconnect(Slot slot, const Endpoint& server, Instant now) {
    Record& session = record(slot);
    const std::size_t group = group_index(rule_of(session), server.family);
    if (group == groups_.size() || !socket_free(group, now)) return CloseReason::no_socket;
    const Slot socket = lease_socket(group, slot, now);
    if (socket == none) return CloseReason::no_socket;
    if (const int error = leases_.open(socket, server, connects(session.type)); error != 0) {
        base::log::write(base::msg::send_failed, "{}: session {}.{} cannot go to {}: connect: {}",
                         base::to_string(session.client), slot, session.generation, base::to_string(server),
                         std::strerror(error));
        leases_.give_back(socket, now);
        return CloseReason::socket_error;
    }
    out_.flush();  // what is for the old server goes there
    totals_.kernel_drops.add(leases_.give_back(session.socket, rest_until(session, now)));
    session.socket = socket;
    session.server = server;
    session.server_fixed = 0;
    return CloseReason::none;
}

}  // namespace session
