#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libudpserver/policy/session_acl.hpp"
#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_filter.hpp"
#include "libudpserver/session/waiting_openers.hpp"

/// What somebody gets to see who asks a worker's engine.
namespace session {

/// A session as it was when somebody looked.
struct Found {
    Slot slot = none;
    Record record;
};

/// All that is known of a session.
struct Details {
    Found found;
    Instant deadline;  ///< when it may expire next, `never` if by nothing
    int socket = -1;   ///< REG's descriptor towards the server
    bool holds = false;
    std::string client_name;      ///< if log.names asked for it
    bool server_in_rule = false;  ///< the rule's plug-to means the server's address now
    Instant now;
};

/// What would happen to a datagram of a client now, and why.
struct Explanation {
    enum class Outcome : std::uint8_t { accepted, refused, waits, running };

    std::vector<policy::SessionAcl::Step> steps;  ///< what the rules say, asked or not
    Outcome outcome = Outcome::refused;
    CloseReason reason = CloseReason::none;  ///< that it is refused with
    bool policy_asked = false;               ///< false: a limit, an admin or a running session comes first
    Need need = Need::nothing;               ///< what it waits for
    std::vector<std::string> missing;        ///< what is not known, or why its names stand for no server
    std::optional<std::size_t> rule;         ///< that decides, or waits
    Endpoint server;                         ///< that it goes to
    SessionId session;                       ///< that it belongs to, when one is running
};

}  // namespace session
