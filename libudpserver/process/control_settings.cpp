#include "libudpserver/process/control_settings.hpp"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "libudpserver/base/fatal.hpp"

namespace process {
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

std::optional<ControlSettings> ControlSettings::from(const conf::Config& config) {
    const conf::Control& control = config.control;
    if (!control.enabled) return std::nullopt;
    ControlSettings settings;
    settings.path = control.socket.empty() ? default_control_path(config.name) : control.socket;
    settings.make_directory = control.socket.empty();
    settings.mode = control.mode;
    settings.rights.own = ::geteuid();
    settings.rights.group = find_group(control.group, "group");
    settings.rights.read_only_group = find_group(control.read_only_group, "read-only-group");
    settings.file_group = settings.rights.group ? settings.rights.group : settings.rights.read_only_group;
    return settings;
}

}  // namespace process
