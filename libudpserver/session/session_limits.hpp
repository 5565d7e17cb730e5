#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"
#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

/// The limits of one session (K-36 to K-38, O-31, O-32) as pure functions. Bytes and datagrams are those that
/// were received from a side, without foreign ones; a limit of 0 is none.
namespace session {

/// The deadline of a session that nothing can expire: some 285,000 years after the boot.
inline constexpr base::Instant never{base::Duration{std::int64_t{1} << 53}};

/// The window in which `idle-bytes` counts (O-31). The record has no room for it and it need not survive REG:
/// the worker keeps one for each slot and begins a new one with the session or its adoption, as
/// {now, traffic(record)}. Rules without idle-bytes need none.
struct IdleWindow {
    base::Instant since;
    std::uint64_t bytes = 0;  ///< traffic() when it began
};
/// Bytes received from both sides.
[[nodiscard]] std::uint64_t traffic(const Record& record);

/// The next moment at which the session could expire, `never` if there is none. Lifetime runs from the first
/// datagram, idle from the last one of either side, unanswered from the client's last one while no reply has
/// come; one-way sessions expect none and have no unanswered limit.
[[nodiscard]] base::Instant deadline(const Record& record, const conf::SessionLimits& limits);
/// The limit that the session has run into, CloseReason::none if it may go on; of several the one that was
/// due first.
[[nodiscard]] CloseReason expired(const Record& record, const conf::SessionLimits& limits, base::Instant now);

/// The same with idle-bytes: fewer bytes than these in a window of `idle` are idle too. expired() begins the
/// next window when one is over and had enough.
[[nodiscard]] base::Instant deadline(const Record& record, const conf::SessionLimits& limits,
                                     const IdleWindow& window);
[[nodiscard]] CloseReason expired(const Record& record, const conf::SessionLimits& limits, base::Instant now,
                                  IdleWindow& window);

enum class Admit : std::uint8_t {
    forward,
    new_session,  ///< this session has had its share: the datagram opens another one (K-37)
    refuse,       ///< larger than client-bytes by itself: it fits no session of this rule
};
/// Before a datagram of the client is counted.
[[nodiscard]] Admit client_datagram(const Record& record, const conf::SessionLimits& limits,
                                    std::size_t size);
/// After it was counted: the limit it has reached, or none. The session leaves the table, so that the next
/// datagram opens another one, and waits for its replies; a one-way session ends with this reason.
[[nodiscard]] CloseReason client_limit(const Record& record, const conf::SessionLimits& limits);
[[nodiscard]] inline bool client_limit_reached(const Record& record, const conf::SessionLimits& limits) {
    return client_limit(record, limits) != CloseReason::none;
}

/// Before a datagram of the server is counted: the limit it would overshoot, or none. It is not forwarded and
/// the session ends with this reason.
[[nodiscard]] CloseReason server_datagram_refused(const Record& record, const conf::SessionLimits& limits,
                                                  std::size_t size);
/// After it was counted: the limit it has reached exactly, with which the session ends at once (K-37), or
/// none.
[[nodiscard]] CloseReason ends_after_reply(const Record& record, const conf::SessionLimits& limits);

}  // namespace session
