#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"

namespace proxyctl {

/// A proxy of this machine: one that runs, one that could, or both.
struct Instance {
    std::string name;
    std::string socket;     ///< its control socket; empty when the configuration says `none`
    conf::Config config;    ///< what could be read of the file; `file` is empty when there is none
    unsigned mistakes = 0;  ///< of the configuration
    [[nodiscard]] bool has_file() const { return !config.file.empty(); }
};

/// Where instances are looked for: $PROXYD_RUN_DIR or /run/proxyd, $PROXYD_CONF_DIR or /etc/proxyd.
struct Places {
    std::string run_dir;
    std::string conf_dir;
    static Places from_environment();
};

/// What a configuration describes; it may have mistakes, or not be there.
Instance instance_of_file(const std::string& path, const Places& places);

/// All instances by name: those with a configuration `*.yaml`, and those with only a socket `*.sock`. Folders
/// that cannot be read are empty.
std::vector<Instance> find_instances(const Places& places);

/// What a message lists when a name is unknown: `dns-gw, sip`.
std::string names_of(const std::vector<Instance>& instances);

/// Which instances a command is for, as the user chose them.
struct Selection {
    std::string socket;
    std::string name;
    bool all = false;
    [[nodiscard]] bool is_given() const { return !socket.empty() || !name.empty() || all; }
};

/// The instances that are meant: without a choice the only one that there is. Throws a Failure that lists
/// what there is.
std::vector<Instance> select(const Selection& selection, const Places& places);

}  // namespace proxyctl
