// What others may ask a worker's engine and tell it from outside (DESIGN §9). Each call is one turn's work
// and bounded, so that forwarding does not notice.

#include <algorithm>

#include "libudpserver/session/sessions.hpp"

namespace session {

Slot Sessions::select(const SessionFilter& filter, Slot from, std::size_t most, Instant now,
                      std::vector<Found>& found) const {
    std::size_t looked = 0;
    for (Slot slot = std::max(from, first_); uses_own_worker(slot); ++slot) {
        if (found.size() == most || looked++ == records_at_once) return slot;
        const Record& session = arena_.records()[slot];
        if (session.state == State::open && session.reason == CloseReason::none &&
            filter.matches(session, now)) {
            found.push_back({slot, session});
        }
    }
    return none;
}

std::optional<Details> Sessions::details(SessionId id, Instant now) const {
    if (!is_open(id)) return std::nullopt;
    const Record& session = arena_.records()[id.slot];
    const Extra* extra = volatile_of(id.slot).extra.get();
    return Details{.found = {id.slot, session},
                   .deadline = deadline(session, rule_of(session).limits, volatile_of(id.slot).idle_window),
                   .socket = leases_.descriptor(session.socket),
                   .holds = extra != nullptr && extra->holding,
                   .client_name = extra != nullptr ? extra->client_name : std::string(),
                   .server_in_rule = policy_.has_server(session.rule, session.server.address()),
                   .now = now};
}

bool Sessions::is_open(SessionId id) const {
    if (!uses_own_worker(id.slot)) return false;
    const Record& session = arena_.records()[id.slot];
    return session.state == State::open && session.reason == CloseReason::none &&
           session.generation == id.generation;
}

bool Sessions::close_by_admin(SessionId id, Duration refuse, Instant now) {
    if (!is_open(id)) return false;
    if (refuse > Duration{0}) refused_clients_.add(record(id.slot).client.address(), now + refuse, now);
    end(id.slot, CloseReason::admin);
    return true;
}

}  // namespace session
