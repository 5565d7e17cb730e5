#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// How many processors this process may use.
namespace conf {

/// The quota of a control group in processors, rounded up, from its `cpu.max` (`200000 100000`). Nothing for
/// `max`, or for what is no such file.
std::optional<unsigned> processor_quota(std::string_view cpu_max);

/// The control group (version 2) of a process from its `/proc/PID/cgroup`, and all groups around it, each as
/// a path such as `/system.slice/proxyd.service`; without the root.
std::vector<std::string> control_groups(std::string_view proc_cgroup);

/// The smallest of `allowed`, which the affinity permits, and of the quotas; at least 1.
unsigned usable_processors(unsigned allowed, const std::vector<std::string>& cpu_max_files);

/// Of this process.
unsigned usable_processors();

}  // namespace conf
