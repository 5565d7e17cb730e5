#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"
#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

/// The limits of one session (K-36 to K-38, O-31, O-32) as pure functions. Bytes and datagrams are those
/// received from a side, without foreign ones; a limit of 0 is off.
namespace session {

/// The deadline of a session that cannot expire: about 285,000 years after the boot.
inline constexpr base::Instant never{base::Duration{std::int64_t{1} << 53}};

/// The window in which `idle-bytes` counts (O-31). The record has no room for it and it need not survive REG:
/// the worker starts one with the session or its adoption, as {now, traffic(record)}. Rules without
/// idle-bytes need none.
struct IdleWindow {
    base::Instant since;
    std::uint64_t bytes = 0;  ///< traffic() when it began
};
/// Bytes received from both sides.
[[nodiscard]] std::uint64_t traffic(const Record& record);

/// The next moment at which the session could expire, `never` if there is none. Lifetime runs from the first
/// datagram, idle from the last one of either side, unanswered from the client's last one while no reply has
/// come; one-way sessions expect none and have no unanswered limit. unconfirmed replaces idle until the
/// client has sent something after the first reply.
[[nodiscard]] base::Instant deadline(const Record& record, const conf::SessionLimits& limits);
/// The limit that the session has reached, CloseReason::none if it has reached none; of several the one that
/// was due first.
[[nodiscard]] CloseReason expired(const Record& record, const conf::SessionLimits& limits, base::Instant now);

/// The same with idle-bytes: fewer bytes than these in a window of `idle` count as idle. expired() starts the
/// next window when one is over and had enough.
[[nodiscard]] base::Instant deadline(const Record& record, const conf::SessionLimits& limits,
                                     const IdleWindow& window);
[[nodiscard]] CloseReason expired(const Record& record, const conf::SessionLimits& limits, base::Instant now,
                                  IdleWindow& window);

/// How long a server has left its client without a reply. It need not survive REG.
struct Silence {
    base::Instant since{}, counted{};  ///< the first and the last datagram that was counted
    std::uint32_t datagrams = 0;       ///< of the client since the last reply
};
/// Counts a datagram of the client. Those within a second count as one, since a client may send many before
/// the first reply can arrive.
void count_unreplied(Silence& silence, base::Instant now);
/// The client keeps sending and the server is silent.
[[nodiscard]] bool is_silent(const Silence& silence, const conf::NoAnswer& limit, base::Instant now);

enum class Admit : std::uint8_t {
    forward,
    new_session,  ///< this session has reached a limit: the datagram opens another one (K-37)
    refuse,       ///< larger than client-bytes by itself: it fits no session of this rule
};
/// Before a datagram of the client is counted.
[[nodiscard]] Admit client_datagram(const Record& record, const conf::SessionLimits& limits,
                                    std::size_t size);
/// After it was counted: the limit it has reached, or none. The session leaves the table, so that the next
/// datagram opens another one, and waits for its replies; a one-way session is closed with this reason.
[[nodiscard]] CloseReason client_limit(const Record& record, const conf::SessionLimits& limits);

/// Before a datagram of the server is counted: the limit it would exceed, or none. It is not forwarded, and
/// the session is closed with this reason.
[[nodiscard]] CloseReason server_datagram_refused(const Record& record, const conf::SessionLimits& limits,
                                                  std::size_t size);
/// After it was counted: the limit it has reached exactly, with which the session is closed at once (K-37),
/// or none.
[[nodiscard]] CloseReason reply_limit(const Record& record, const conf::SessionLimits& limits);

}  // namespace session
