#include "libudpserver/session/outbox.hpp"

#include <cerrno>

#include "libudpserver/session/session_type.hpp"

namespace session {

namespace {

constexpr std::size_t batch_size = 64;
/// The tag of a datagram is the slot of its session and the side it goes to, or this for an answer without
/// one.
constexpr std::uint64_t no_session = ~std::uint64_t{0};
constexpr std::uint64_t to_client_bit = std::uint64_t{1} << 63;

}  // namespace

Outbox::Outbox(unsigned worker, net::ListenerSet& listeners, const SocketSupply& sockets,
               const policy::Policy& policy, SessionStore& sessions, SessionReports& reports)
    : worker_(worker),
      listeners_(listeners),
      sockets_(sockets),
      policy_(policy),
      sessions_(sessions),
      reports_(reports),
      batch_(batch_size, [this](std::uint64_t tag, std::size_t size, int error) { sent(tag, size, error); }) {
}

void Outbox::to_server(Session session, std::span<const std::byte> payload, std::uint8_t tos) {
    batch_.add({.fd = sockets_.descriptor(session->socket),
                .family = session->server.family,
                .payload = payload,
                .to = connects(session->type) ? Endpoint{} : session->server,
                .source = {},
                .tos = tos,
                .tag = session.slot()});
}

void Outbox::to_client(Session session, std::span<const std::byte> payload, std::uint8_t tos,
                       const Endpoint& as) {
    const net::Listener& listener = listeners_.at(session->listener, worker_);
    const bool choose_source = listener.wildcard() || session->type == conf::SessionType::broadcast;
    batch_.add({.fd = listener.descriptor(),
                .family = session->client.family,
                .payload = payload,
                .to = session->client,
                .source = choose_source ? as : Endpoint{},
                .tos = tos,
                .tag = session.slot() | to_client_bit});
}

void Outbox::answer(std::size_t listener, const net::Datagram& datagram, std::span<const std::byte> payload) {
    const net::Listener& socket = listeners_.at(listener, worker_);
    batch_.add({.fd = socket.descriptor(),
                .family = datagram.from.family,
                .payload = payload,
                .to = datagram.from,
                .source = socket.wildcard() ? datagram.local : Endpoint{},
                .tos = 0,
                .tag = no_session});
}

void Outbox::flush(Instant now) {
    now_ = now;
    batch_.flush();
    kept_.clear();
}

void Outbox::sent(std::uint64_t tag, std::size_t size, int error) {
    if (tag == no_session) return;
    const Session session = sessions_.at(static_cast<Slot>(tag & ~to_client_bit));
    if (error == ECONNREFUSED || error == EHOSTUNREACH) {
        icmp_error(session, error, now_);
    } else if (error != 0) {
        reports_.send_failed(session, error, now_);
    } else if ((tag & to_client_bit) != 0) {
        reports_.to_client(session.record(), size);
    } else {
        reports_.to_server(session.record(), size);
    }
}

void Outbox::icmp_error(Session session, int error, Instant now) {
    reports_.icmp_error(session, error, now);
    if (policy_.rule(session->rule).on_icmp_error == conf::IcmpError::close)
        sessions_.close(session, CloseReason::icmp_error);
}

}  // namespace session
