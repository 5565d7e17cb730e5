#include "proxyd/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/fatal.hpp"
#include "base/privileges.hpp"
#include "libudpserver/process/own_child.hpp"

namespace proxyd {

namespace {

/// Nothing if the key is absent.
std::optional<gid_t> group_of(const std::string& name, const char* key) {
    if (name.empty()) return std::nullopt;
    const std::optional<gid_t> group = base::find_group(name);
    if (!group) throw base::Fatal("no group '" + name + "'; create it, or correct control." + key);
    return group;
}

}  // namespace

std::optional<base::User> user_of(const conf::Config& config) {
    if (config.user.empty()) return std::nullopt;
    return base::find_user(config.user);
}

std::string control_group_problem(const conf::Config& config, const base::User& user) {
    if (!config.control.enabled || config.control.group.empty()) return "";
    const std::optional<gid_t> group = base::find_group(config.control.group);
    if (!group || (user.gid != *group && std::ranges::find(user.groups, *group) == user.groups.end()))
        return "";
    return "control.group '" + config.control.group + "' contains user '" + config.user +
           "': a child that was taken over could give commands; use another group";
}

std::string control_group_problem(const conf::Config& config) try {
    const std::optional<base::User> user = config.singleproc ? std::nullopt : user_of(config);
    return user ? control_group_problem(config, *user) : "";
} catch (const base::Fatal&) {
    return "";
}

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
    settings.rights.group = group_of(section.group, "group");
    settings.rights.read_only_group = group_of(section.read_only_group, "read-only-group");
    settings.file_group = settings.rights.group ? settings.rights.group : settings.rights.read_only_group;
    return settings;
}

}  // namespace proxyd
