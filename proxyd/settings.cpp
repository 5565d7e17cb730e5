#include "proxyd/settings.hpp"

#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "base/fatal.hpp"

namespace proxyd {

namespace {

std::optional<gid_t> find_group(const std::string& name, const char* key) {
    if (name.empty()) return std::nullopt;
    std::vector<char> space(1024);
    group entry{};
    group* found = nullptr;
    int error = 0;
    // A group with many members needs a larger buffer.
    while ((error = ::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found)) == ERANGE &&
           space.size() < (1u << 24))
        space.resize(space.size() * 4);
    if (!found) throw base::Fatal("no group '" + name + "'; create it, or correct control." + key);
    return found->gr_gid;
}

}  // namespace

process::Settings process_settings(const conf::Config& config) {
    process::Settings settings;
    settings.name = config.name;
    if (!config.user.empty()) settings.user = base::find_user(config.user);
    settings.max_restarts = {config.udpserver.max_restarts.count, config.udpserver.max_restarts.within};
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
    settings.rights.group = find_group(section.group, "group");
    settings.rights.read_only_group = find_group(section.read_only_group, "read-only-group");
    settings.file_group = settings.rights.group ? settings.rights.group : settings.rights.read_only_group;
    return settings;
}

}  // namespace proxyd
