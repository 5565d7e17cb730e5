#pragma once

#include <string>
#include <vector>

#include "libudpserver/session/record.hpp"
#include "libudpserver/session/session_acl.hpp"

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

/// What would happen to a first datagram, and why.
struct Explanation {
    std::vector<SessionAcl::Step> steps;
    CloseReason refused_before = CloseReason::none;  ///< without asking the policy, by a limit or an admin
    Decision::Kind decision = Decision::Kind::no_rule;
    CloseReason reason = CloseReason::acl;  ///< what the rule would refuse it with, `none` if it would not
    Endpoint server;
};

}  // namespace session
