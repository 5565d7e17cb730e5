#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/privileges.hpp"
#include "libudpserver/process/restart_policy.hpp"

namespace process {

/// What the supervisor and its children need to know of the configuration.
struct Settings {
    std::string name;                ///< of the instance: process titles
    std::optional<base::User> user;  ///< children run as this user; nothing: as the parent
    MaxRestarts max_restarts;
    base::Duration heartbeat{5'000};      ///< a child silent for this long is killed and replaced
    base::Duration stop_timeout{5'000};   ///< after Stop; then SIGTERM
    base::Duration ping_interval{1'000};  ///< heartbeats are asked for this often
    base::Duration end_patience{1'000};   ///< after SIGTERM, or after the end of the link; then SIGKILL
    base::Duration core_patience{2'000};  ///< after SIGABRT; then SIGKILL
    base::Duration link_retry{1'000};     ///< a link between children that failed is tried again after this
    bool foreground = true;               ///< false: children let go of stdin, stdout and stderr
    bool log_in_background = true;        ///< children log from a thread of their own
    unsigned start_factor = 6;            ///< until it is ready a child may be silent for so many heartbeats
};

}  // namespace process
