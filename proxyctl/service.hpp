#pragma once

#include <string>

#include "proxyctl/instances.hpp"

namespace proxyctl {

/// The unit with which systemd starts this instance: proxyd.service for /etc/proxyd/proxyd.yaml,
/// proxyd@NAME.service for other files there. Empty if this machine has no such unit, or another init system.
std::string unit_of(const Instance& instance);

/// Where the reason of a failed start is: "the log", or the journal of its unit.
std::string log_of(const Instance& instance);

}  // namespace proxyctl
