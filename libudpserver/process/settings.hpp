#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/base/clock.hpp"
#include "libudpserver/base/privileges.hpp"

namespace process {

/// What the supervisor and its children need to know of the configuration.
struct Settings {
    std::string name;                ///< of the instance: process titles
    std::optional<base::User> user;  ///< children run as this user; nothing: as the parent
    conf::MaxRestarts max_restarts;
    base::Duration heartbeat{5'000};      ///< a child silent for this long is killed and replaced
    base::Duration stop_timeout{5'000};   ///< after Stop; then SIGTERM
    base::Duration ping_interval{1'000};  ///< heartbeats are asked for this often
    base::Duration end_patience{1'000};   ///< after SIGTERM, or after the end of the link; then SIGKILL
    base::Duration core_patience{2'000};  ///< after SIGABRT; then SIGKILL
    base::Duration link_retry{1'000};     ///< a link between children that failed is tried again after this
    bool foreground = true;               ///< false: children let go of stdin, stdout and stderr
    bool log_in_background = true;        ///< children log from a thread of their own
    unsigned start_factor = 6;            ///< until it is ready a child may be silent for so many heartbeats

    /// Throws base::Fatal when there is no such user.
    static Settings from(const conf::Config& config) {
        Settings settings;
        settings.name = config.name;
        if (!config.user.empty()) settings.user = base::find_user(config.user);
        settings.max_restarts = config.udpserver.max_restarts;
        settings.heartbeat = config.udpserver.heartbeat;
        // Several chances to answer within a heartbeat, or an idle child would look silent between two pings.
        settings.ping_interval = std::min(settings.ping_interval, settings.heartbeat / 4);
        settings.stop_timeout = config.udpserver.stop_timeout;
        return settings;
    }
};

}  // namespace process
