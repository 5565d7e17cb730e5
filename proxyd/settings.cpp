#include "proxyd/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "conf/accounts.hpp"
#include "libudpserver/process/own_child.hpp"

namespace proxyd {

process::Settings process_settings(const conf::Config& config, std::optional<base::User> user) {
    process::Settings settings;
    settings.name = config.name;
    settings.user = std::move(user);
    settings.max_restarts = {config.udpserver.max_restarts.count, config.udpserver.max_restarts.within};
    settings.ends_in_crash_loop = config.udpserver.on_crash_loop == conf::OnCrashLoop::end;
    settings.heartbeat = config.udpserver.heartbeat;
    // Several pings per heartbeat, or an idle child would look silent between two of them.
    settings.ping_interval = std::min(settings.ping_interval, settings.heartbeat / 4);
    settings.stop_timeout = config.udpserver.stop_timeout;
    settings.foreground = config.nodaemon;
    return settings;
}

std::optional<control::ControlSettings> control_settings(const conf::Config& config) {
    const conf::Control& section = config.control;
    if (!section.enabled) return std::nullopt;
    control::ControlSettings settings;
    settings.path = section.socket.empty() ? "/run/proxyd/" + config.name + ".sock" : section.socket;
    settings.make_directory = section.socket.empty();
    settings.mode = section.mode;
    settings.rights.own = ::geteuid();
    settings.rights.is_child = process::may_be_child;
    settings.rights.group = conf::control_group(section.group, "group");
    settings.rights.read_only_group = conf::control_group(section.read_only_group, "read-only-group");
    settings.file_group = settings.rights.group ? settings.rights.group : settings.rights.read_only_group;
    return settings;
}

}  // namespace proxyd
