#include "libudpserver/session/source_renewal.hpp"

#include <algorithm>
#include <utility>

#include "libudpserver/net/udp_socket.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

/// Sessions that are looked at before the worker reads datagrams again.
constexpr std::size_t reviews_per_batch = 256;
/// Between two tries of one session: without a route each of its datagrams would cost a look-up of it.
constexpr Duration retry_interval{250};

}  // namespace

SourceRenewal::SourceRenewal(const policy::Policy& policy, SessionStore& sessions, SocketSupply& sockets,
                             Outbox& outbox, ServerMoves& moves, SessionReports& reports)
    : policy_(policy),
      sessions_(sessions),
      sockets_(sockets),
      outbox_(outbox),
      moves_(moves),
      reports_(reports) {}

void SourceRenewal::resend(Instant now) {
    for (const Outbox::Unsent& unsent : outbox_.begin_resending()) {
        const Session session = sessions_.at(unsent.session.slot);
        // An earlier datagram of this turn may have renewed it.
        if (renew(session, now) || (session.is_open() && session.side().renewed_at == now)) {
            outbox_.to_server(session, unsent.payload, unsent.tos);
        } else {
            outbox_.give_up(session, unsent.error, now);
        }
    }
    outbox_.finish_resending(now);
}

/// False when there is no other source.
bool SourceRenewal::renew(Session session, Instant now) {
    if (!session.is_open() || !connects(session->type) || now < session.side().renew_after) return false;
    if (policy_.rule(session->rule).source_address) return false;
    session.side().renew_after = now + retry_interval;
    sockets_.forget_routes();
    const base::Address before = sockets_.local(session->socket).address();
    const std::optional<base::Address> source = net::route_source(session->server);
    // The same source would fail again.
    if (!source || *source == before) return false;
    if (moves_.reconnect(session, session->server, now) != CloseReason::none) return false;
    session.side().renewed_at = now;
    reports_.source_renewed(session, before, sockets_.local(session->socket), now);
    return true;
}

void SourceRenewal::addresses_changed(std::vector<base::Address> local, Instant now) {
    // A new IPv6 address reports twice, and is no source before the second time.
    if (local == local_ && !any_left_) return;
    any_left_ = false;
    local_ = std::move(local);
    pending_.clear();
    std::size_t unseen = sessions_.open();
    // Most of a big table may never have been used.
    for (Slot slot = sessions_.first(); slot < sessions_.end() && unseen > 0; ++slot) {
        const Session session = sessions_.at(slot);
        if (session->state != State::open) continue;
        --unseen;
        if (session.is_open() && connects(session->type)) pending_.push_back(session.id());
    }
    run_pending(now);
}

void SourceRenewal::run_pending(Instant now) {
    for (std::size_t i = 0; i < reviews_per_batch && !pending_.empty(); ++i) {
        const Session session = sessions_.find(pending_.front());
        pending_.pop_front();
        if (!session || !has_lost_source(session)) continue;
        session.side().renew_after = now;
        any_left_ = !renew(session, now) || any_left_;
    }
}

bool SourceRenewal::has_lost_source(Session session) const {
    const base::Address source = sockets_.local(session->socket).address();
    const auto is_source = [&source](const base::Address& local) {
        return local.family == source.family && local.bytes == source.bytes;
    };
    // All of 127.0.0.0/8 is local, although the interface has one address of it.
    const bool is_loopback = source.family == base::Family::v4 && source.bytes[0] == 127;
    return source.family != base::Family::none && !is_loopback && std::ranges::none_of(local_, is_source);
}

}  // namespace session
