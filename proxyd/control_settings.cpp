#include "proxyd/control_settings.hpp"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
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
    // A group with many members needs more room; nobody has as much as the bound.
    while ((error = ::getgrnam_r(name.c_str(), &entry, space.data(), space.size(), &found)) == ERANGE &&
           space.size() < (1u << 24))
        space.resize(space.size() * 4);
    if (!found) throw base::Fatal("there is no group '" + name + "'; create it, or correct control." + key);
    return found->gr_gid;
}

}  // namespace

std::string default_control_path(const std::string& instance) {
    return "/run/proxyd/" + instance + ".sock";
}

std::optional<control::ControlSettings> control_settings(const conf::Config& config) {
    const conf::Control& section = config.control;
    if (!section.enabled) return std::nullopt;
    control::ControlSettings settings;
    settings.path = section.socket.empty() ? default_control_path(config.name) : section.socket;
    settings.make_directory = section.socket.empty();
    settings.mode = section.mode;
    settings.rights.own = ::geteuid();
    settings.rights.group = find_group(section.group, "group");
    settings.rights.read_only_group = find_group(section.read_only_group, "read-only-group");
    settings.file_group = settings.rights.group ? settings.rights.group : settings.rights.read_only_group;
    return settings;
}

}  // namespace proxyd
