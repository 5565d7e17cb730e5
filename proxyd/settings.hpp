#pragma once

#include <optional>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/control/control_settings.hpp"
#include "libudpserver/process/settings.hpp"

/// What the layers below need to know of the configuration, which they do not know themselves.
namespace proxyd {

/// The settings of the supervisor, for children that run as `user`.
process::Settings process_settings(const conf::Config& config, std::optional<base::User> user);

/// The settings of the control socket; nothing for `socket: none`. Throws base::Fatal if a configured group
/// does not exist.
std::optional<control::ControlSettings> control_settings(const conf::Config& config);

}  // namespace proxyd
