#pragma once

#include <span>
#include <vector>

#include "libudpserver/net/listener_set.hpp"
#include "libudpserver/net/send_batch.hpp"
#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/session_reports.hpp"
#include "libudpserver/session/session_store.hpp"
#include "libudpserver/session/socket_supply.hpp"

namespace session {

/// Datagrams of sessions on their way out. Counts those that left, and closes sessions whose server cannot be
/// reached if their rule says so.
class Outbox {
public:
    Outbox(unsigned worker, net::ListenerSet& listeners, const SocketSupply& sockets,
           const policy::Policy& policy, SessionStore& sessions, SessionReports& reports);

    /// The payload must stay in place until flush().
    void to_server(Session session, std::span<const std::byte> payload, std::uint8_t tos);
    /// `as`: the address it comes from, for listeners that have many.
    void to_client(Session session, std::span<const std::byte> payload, std::uint8_t tos, const Endpoint& as);
    /// Answers a datagram that opens no session.
    void answer(std::size_t listener, const net::Datagram& datagram, std::span<const std::byte> payload);

    /// Keeps the payload of a datagram until flush().
    void keep(HoldQueue::Held held) { kept_.push_back(std::move(held)); }
    void flush(Instant now);

    /// A datagram for a server that the machine could not send: it has lost the session's source address or
    /// the route. Valid as long as its payload.
    struct Unsent {
        SessionId session;
        std::span<const std::byte> payload;
        std::uint8_t tos = 0;
        int error = 0;
    };
    [[nodiscard]] bool has_unsent() const { return !unsent_.empty(); }
    /// Those that are to be sent again, a bounded number. Until finish_resending() nothing is added to them:
    /// what cannot be sent is given up.
    std::span<const Unsent> begin_resending();
    void finish_resending(Instant now);
    /// It is dropped and counted; on-icmp-error decides about the session.
    void give_up(Session session, int error, Instant now);

    /// An ICMP report about the session's server (K-48).
    void icmp_error(Session session, int error, Instant now);

private:
    void sent(std::uint64_t tag, std::span<const std::byte> payload, int error);
    void not_sent_to_server(Session session, const Unsent& unsent);

    unsigned worker_;
    net::ListenerSet& listeners_;
    const SocketSupply& sockets_;
    const policy::Policy& policy_;
    SessionStore& sessions_;
    SessionReports& reports_;
    net::SendBatch batch_;
    std::vector<HoldQueue::Held> kept_;
    std::vector<Unsent> unsent_;
    bool is_resending_ = false;
    Instant now_{};  ///< of the last flush()
};

}  // namespace session
