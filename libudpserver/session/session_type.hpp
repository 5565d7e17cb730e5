#pragma once

#include <cstdint>

#include "conf/config.hpp"
#include "libudpserver/session/record.hpp"

namespace session {

/// What becomes of a datagram from the server side (K-39).
enum class Judgement : std::uint8_t {
    forward,
    fix_and_forward,  ///< the first reply: its source is the session's server from now on
    foreign,          ///< ignored, counted and logged; the idle timer goes on (K-41)
    end_session,      ///< a reply in a one-way session: not forwarded, the session ends (K-40)
};

/// Kernun's table of session types (K-39 to K-43). Changes nothing.
[[nodiscard]] Judgement judge_reply(const Record& record, const conf::Rule& rule, const base::Endpoint& from);

/// Whether the type's pool socket is connected to the server, so that the kernel keeps everybody else out.
[[nodiscard]] bool connects(conf::SessionType type);

}  // namespace session
