#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/privileges.hpp"
#include "libudpserver/process/restart_policy.hpp"

namespace process {

/// What children do if the parent exits without having stopped them.
enum class Orphans {
    stop,        ///< they finish their work; the kernel kills those that do not
    are_killed,  ///< by the kernel, at once: another process continues their work
};

/// The part of the configuration that the supervisor and its children use.
struct Settings {
    std::string name;                ///< of the instance: process titles
    std::optional<base::User> user;  ///< children run as this user (default: as the parent)
    MaxRestarts max_restarts;
    bool ends_in_crash_loop = false;      ///< otherwise restarts wait longer and longer
    bool start_may_fail = true;           ///< otherwise the first failure of a child ends an incomplete start
    base::Duration heartbeat{5'000};      ///< a child that is silent for this long is killed and restarted
    base::Duration stop_timeout{5'000};   ///< after Stop; then SIGTERM
    base::Duration ping_interval{1'000};  ///< between heartbeats
    base::Duration exit_timeout{1'000};   ///< after SIGTERM, or after the link was lost; then SIGKILL
    base::Duration core_timeout{2'000};   ///< after SIGABRT; then SIGKILL
    base::Duration kill_timeout{1'000};   ///< after SIGKILL; then the next one does not wait for it
    base::Duration link_retry_delay{1'000};  ///< before a failed link between children is retried
    Orphans orphans = Orphans::stop;
    bool foreground = true;         ///< false: children leave the working directory
    bool log_in_background = true;  ///< children log from a thread of their own
    unsigned start_factor = 6;      ///< a child that is not ready yet may be silent for this many heartbeats
};

}  // namespace process
