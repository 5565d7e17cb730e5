#pragma once

#include <optional>
#include <string>

#include "libudpserver/policy/policy.hpp"
#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_filter.hpp"

/// Answers of a worker's engine to queries.
namespace session {

/// A copy of a session's record.
struct Found {
    Slot slot = none;
    Record record;
};

/// Everything about a session.
struct Details {
    Found found;
    Instant deadline;  ///< when it may expire next; `never` if it cannot
    bool holds = false;
    std::string client_name;      ///< if log.names asked for it
    bool server_in_rule = false;  ///< the rule's plug-to has the server's address now
    Instant now;
};

/// What would happen to a datagram of a client now, and why.
struct Explanation {
    enum class Outcome : std::uint8_t { accepted, refused, waits, running };

    policy::Explanation policy;  ///< what the policy says, whether it is asked or not
    Outcome outcome = Outcome::refused;
    CloseReason reason = CloseReason::none;  ///< of a refusal
    bool policy_asked = false;               ///< false: a limit, an administrator or a session comes first
    std::optional<std::size_t> rule;         ///< the rule that decides, or that waits
    Endpoint server;
    SessionId session;  ///< the one it belongs to, if the outcome is `running`
};

}  // namespace session
