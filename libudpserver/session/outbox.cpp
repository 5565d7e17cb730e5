#include "libudpserver/session/outbox.hpp"

#include <cerrno>

#include "conf/address_block.hpp"
#include "libudpserver/session/session_type.hpp"

namespace session {

using conf::is_multicast;

namespace {

constexpr std::size_t batch_size = 64;
/// Datagrams that may wait for another source in one turn; more are dropped.
constexpr std::size_t max_unsent = 64;
/// The tag of a datagram is the slot of its session, its traffic class and the side it goes to, or this for
/// an answer without one.
constexpr std::uint64_t no_session = ~std::uint64_t{0};
constexpr std::uint64_t to_client_bit = std::uint64_t{1} << 62;
constexpr unsigned tos_shift = 32;

constexpr std::uint64_t tag_of(Slot slot, std::uint8_t tos) {
    return slot | std::uint64_t{tos} << tos_shift;
}

/// The kernel has no route to the server, or none from the source that the socket has had since it was
/// connected. Which of these it returns depends on its version and on the kind of route.
bool is_without_source(int error) {
    return error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL || error == EINVAL ||
           error == EACCES || error == ENETDOWN || error == ENODEV;
}

}  // namespace

Outbox::Outbox(unsigned worker, net::ListenerSet& listeners, const SocketSupply& sockets,
               const policy::Policy& policy, SessionStore& sessions, SessionReports& reports)
    : worker_(worker),
      listeners_(listeners),
      sockets_(sockets),
      policy_(policy),
      sessions_(sessions),
      reports_(reports),
      batch_(batch_size, [this](std::uint64_t tag, std::span<const std::byte> payload, int error) {
          sent(tag, payload, error);
      }) {
    unsent_.reserve(max_unsent);
}

void Outbox::to_server(Session session, std::span<const std::byte> payload, std::uint8_t tos) {
    net::SendBatch::Order order{
        .family = session->server.family, .payload = payload, .tos = tos, .tag = tag_of(session.slot(), tos)};
    sockets_.address(session.record(), order);
    batch_.add(order);
}

void Outbox::to_client(Session session, std::span<const std::byte> payload, std::uint8_t tos,
                       const Endpoint& as) {
    const net::Listener& listener = listeners_.at(session->listener, worker_);
    // Nothing can be sent from the group or broadcast address of a request: the route chooses the address.
    const bool is_shared = is_multicast(as.address()) || (session->to_broadcast == 1 && as == session->local);
    const bool choose_source =
        (listener.wildcard() || session->type == conf::SessionType::broadcast) && !is_shared;
    batch_.add({.fd = listener.descriptor(),
                .family = session->client.family,
                .payload = payload,
                .to = session->client,
                .source = choose_source ? as : Endpoint{},
                .tos = tos,
                .tag = tag_of(session.slot(), tos) | to_client_bit});
}

void Outbox::answer(std::size_t listener, const net::Datagram& datagram, std::span<const std::byte> payload) {
    const net::Listener& socket = listeners_.at(listener, worker_);
    const bool is_shared = is_multicast(datagram.local.address()) || datagram.is_broadcast;
    batch_.add({.fd = socket.descriptor(),
                .family = datagram.from.family,
                .payload = payload,
                .to = datagram.from,
                .source = socket.wildcard() && !is_shared ? datagram.local : Endpoint{},
                .tos = 0,
                .tag = no_session});
}

void Outbox::flush(Instant now) {
    now_ = now;
    batch_.flush();
    if (unsent_.empty()) kept_.clear();
}

std::span<const Outbox::Unsent> Outbox::begin_resending() {
    is_resending_ = true;
    return unsent_;
}

void Outbox::finish_resending(Instant now) {
    flush(now);
    is_resending_ = false;
    unsent_.clear();
    kept_.clear();
}

void Outbox::sent(std::uint64_t tag, std::span<const std::byte> payload, int error) {
    if (tag == no_session) return;
    const Session session = sessions_.at(static_cast<Slot>(tag));
    if ((tag & to_client_bit) != 0) {
        // The client's side never closes a session: anyone could make the machine unable to reach a client.
        if (error != 0) return reports_.send_to_client_failed(session, error, now_);
        return reports_.to_client(session.record(), payload.size());
    }
    if (error == 0) return reports_.to_server(session.record(), payload.size());
    not_sent_to_server(session, {session.id(), payload, static_cast<std::uint8_t>(tag >> tos_shift), error});
}

/// A socket without a connection gets a source with each datagram; only another route could help it.
void Outbox::not_sent_to_server(Session session, const Unsent& unsent) {
    const bool may_help = !is_resending_ && is_without_source(unsent.error) && connects(session->type);
    if (may_help && session.is_open() && unsent_.size() < max_unsent) {
        unsent_.push_back(unsent);
    } else {
        give_up(session, unsent.error, now_);
    }
}

void Outbox::give_up(Session session, int error, Instant now) {
    if (error == ECONNREFUSED || error == EHOSTUNREACH) {
        icmp_error(session, error, now);
    } else {
        reports_.send_to_server_failed(session, error, now);
    }
}

void Outbox::icmp_error(Session session, int error, Instant now) {
    reports_.icmp_error(session, error, now);
    if (policy_.rule(session->rule).on_icmp_error == conf::IcmpError::close)
        sessions_.close(session, CloseReason::icmp_error);
}

}  // namespace session
