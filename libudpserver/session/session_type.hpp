#pragma once

#include <cstdint>

#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// What to do with a datagram from the server side (K-39).
enum class ReplyAction : std::uint8_t {
    forward,
    fix_and_forward,  ///< the first reply: its source is the session's server from now on
    foreign,          ///< ignored, counted and logged; the idle timer continues (K-41)
    close_session,    ///< a reply in a one-way session: not forwarded, the session is closed (K-40)
};

/// Kernun's table of session types (K-39 to K-43). Changes nothing.
[[nodiscard]] ReplyAction action_for_reply(const Record& record, const conf::Rule& rule,
                                           const base::Endpoint& from);

/// Whose replies reach a session of this type: of others the kernel drops them.
[[nodiscard]] net::Accepts accepts(conf::SessionType type);
[[nodiscard]] inline bool connects(conf::SessionType type) {
    return accepts(type) == net::Accepts::server;
}

}  // namespace session
