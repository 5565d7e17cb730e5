#include "libudpserver/session/adopter.hpp"

#include "base/log.hpp"
#include "libudpserver/session/session_context.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

/// The clock is the machine's and only goes forward; a time from the future would keep a session alive.
bool do_times_fit(const Record& record, Instant now) {
    return record.created >= Instant{} && record.created <= record.last_client &&
           record.created <= record.last_server && record.last_client <= now && record.last_server <= now;
}

/// Many sessions that expire together are marked first and closed one by one.
bool was_closing(const Record& record) {
    return (record.state == State::open || record.state == State::closing) &&
           record.reason != CloseReason::none && record.reason < CloseReason::count_;
}

const char* why_aborted(const Record& record, bool fresh) {
    if (fresh) return "a session may have crashed the last REG";
    if (record.state != State::open) return "the last REG exited while opening or closing it";
    return "it does not match the configuration, its socket or another session";
}

}  // namespace

Adoption Adopter::adopt_all(bool fresh, Instant now) {
    Adoption result;
    for (Slot slot = parts_.sessions.end(); slot-- > parts_.sessions.first();) {
        const Session session = parts_.sessions.at(slot);
        if (session->state == State::free) {
            parts_.sessions.add_free_place(slot);
            continue;
        }
        const AdoptResult one = was_closing(session.record()) ? AdoptResult::was_closing
                                : fresh                       ? AdoptResult::aborted
                                                              : adopt(session, now);
        if (one == AdoptResult::adopted) {
            ++result.adopted;
            continue;
        }
        close(session, one, fresh, now);
        // Nothing is forwarded yet: better wait for the log than lose a record in its queue.
        std::uint32_t& count = one == AdoptResult::was_closing     ? result.recorded
                               : one == AdoptResult::policy_closed ? result.ended
                                                                   : result.aborted;
        if (++count % records_per_drain == 0) base::log::drain();
    }
    parts_.sockets.leases().reclaim_unclaimed(now + parts_.config.udpserver.quarantine, fresh);
    parts_.reports.adopted(result.adopted, result.aborted);
    return result;
}

/// What a record cannot be under any configuration is found out before the policy is asked.
AdoptResult Adopter::adopt(Session session, Instant now) {
    if (!session.is_open() || !do_times_fit(session.record(), now)) return AdoptResult::aborted;
    const bool moved = session->policy_epoch != parts_.transition.epoch();
    if (moved) {
        if (const AdoptResult result = parts_.transition.reevaluate_record(session.record(), now);
            result != AdoptResult::adopted)
            return result;
    } else if (!is_plausible(session.record()) || !fits_policy(session.record())) {
        return AdoptResult::aborted;
    }
    // Its server's replies would open sessions of their own. A name may have got the client's address since.
    if (parts_.policy.is_server(session->client)) return AdoptResult::policy_closed;
    if (parts_.own.is_listener(session->client, now))
        return moved ? AdoptResult::policy_closed : AdoptResult::aborted;
    if (!adopt_in_present(session, now)) return AdoptResult::aborted;
    parts_.transition.adopted(session, moved);
    return AdoptResult::adopted;
}

bool Adopter::adopt_in_present(Session session, Instant now) {
    if (!is_plausible(session.record()) || parts_.sessions.is_duplicate(session)) return false;
    SocketLeases& leases = parts_.sockets.leases();
    // The rule may want another group by now; a session keeps the socket that its server knows.
    const std::size_t group = leases.group_of(session->socket);
    if (group >= parts_.sockets.groups() || parts_.sockets.family_of(group) != session->server.family)
        return false;
    if (!leases.claim(session->socket, session.slot(), group, session->server, accepts(session->type)))
        return false;
    session.side() = {.handler = nullptr, .idle_window = {now, traffic(session.record())}, .extra = nullptr};
    SessionContext context(parts_, session.slot(), now);
    session.side().handler = parts_.proxy.adopt(context);
    parts_.sessions.adopt(session);
    parts_.admission.opened(session->client.address());
    if (session->answered() && !session->unconfirmed())
        parts_.admission.confirmed(session->client.address(), now);
    parts_.sessions.set_deadline(session, parts_.rule_of(session).limits);
    return true;
}

bool Adopter::is_plausible(const Record& record) const {
    if (record.worker != parts_.worker || record.listener >= parts_.listeners.size() ||
        record.rule >= parts_.policy.size())
        return false;
    const conf::Rule& rule = parts_.policy.rule(record.rule);
    return rule.action == conf::Action::accept && rule.type == record.type &&
           record.client.family == parts_.listeners.local(record.listener).family &&
           record.local.family == record.client.family && record.server.family != base::Family::none &&
           record.client.port != 0;
}

/// The last REG may have been taken over, and the policy decides only about first datagrams: no session that
/// it cannot have opened goes on. Times and names may have been others then. One that waits for names is
/// decided about when they are known.
bool Adopter::fits_policy(const Record& record) const {
    const policy::Question question{
        .client = record.client, .local = record.local, .dscp = record.dscp, .time = {}};
    return fits_rule(record) &&
           (record.policy_pending == 1 || parts_.policy.may_have_decided(record.rule, question));
}

/// After a reload a session may have the server of an earlier policy (on-name-change: keep), which nobody
/// knows any more.
bool Adopter::fits_rule(const Record& record) const {
    if (record.local.port != parts_.listeners.local(record.listener).port) return false;
    if (record.server_chosen != 0 && !parts_.proxy.chooses_servers()) return false;
    const bool is_any = record.type == conf::SessionType::any_sock && record.server_fixed != 0;
    if (record.server_chosen != 0 || is_any || parts_.transition.epoch() > 0)
        return parts_.policy.can_be_server(record.rule, record.server);
    const bool any_port = record.type == conf::SessionType::any_port && record.server_fixed != 0;
    return parts_.policy.may_have_had_server(record.rule, record.server, any_port);
}

void Adopter::close(Session session, AdoptResult result, bool fresh, Instant now) {
    CloseReason reason = result == AdoptResult::was_closing ? session->reason : CloseReason::policy;
    if (result == AdoptResult::aborted) {
        reason = CloseReason::adoption;
        parts_.reports.not_adopted(session, why_aborted(session.record(), fresh));
    }
    // Freed before it is reported: should the report be what kills REG, the next one does not meet it again.
    const Record copy = session.record();
    session.record() = Record{.generation = copy.generation};
    parts_.sessions.add_free_place(session.slot());
    parts_.reports.closed_unserved(copy, session.slot(), reason, parts_.transition.rule_of(copy), now);
}

}  // namespace session
