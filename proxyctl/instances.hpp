#pragma once

#include <string>
#include <vector>

#include "conf/config.hpp"

namespace proxyctl {

/// A proxy of this machine, known by its configuration, its control socket or both.
struct Instance {
    std::string name;
    std::string socket;   ///< its control socket; empty if the configuration disables it
    conf::Config config;  ///< as far as it is valid; `file` is empty if there is none
    std::string problem;  ///< the first error of the configuration, and how to see the others
    [[nodiscard]] bool has_file() const { return !config.file.empty(); }
};

/// The folders of instances: $PROXYD_RUN_DIR or /run/proxyd, $PROXYD_CONF_DIR or /etc/proxyd.
struct Places {
    std::string run_dir;
    std::string conf_dir;
    static Places from_environment();
};

/// The instance of a configuration file, which may have errors or be missing.
Instance instance_of_file(const std::string& path, const Places& places);

/// All instances by name: those with a configuration `*.yaml` or `*.yml`, and those with only a socket
/// `*.sock`. An unreadable folder counts as empty.
std::vector<Instance> find_instances(const Places& places);

/// The message for a machine without instances.
std::string no_instances(const Places& places);

/// The instances that the user named.
struct Selection {
    std::string socket;
    std::string name;  ///< or the path of its configuration
    bool all = false;
    [[nodiscard]] bool is_given() const { return !socket.empty() || !name.empty() || all; }
};

/// The selected instances; without a selection the only one. Throws a Failure that lists the instances.
std::vector<Instance> select(const Selection& selection, const Places& places);
/// The same, but all of them without a selection.
std::vector<Instance> select_or_all(const Selection& selection, const Places& places);

}  // namespace proxyctl
