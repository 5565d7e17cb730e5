#pragma once

#include <optional>

#include "conf/config.hpp"
#include "libudpserver/control/control_settings.hpp"
#include "libudpserver/process/settings.hpp"

/// What the layers below need to know of the configuration, which they do not know themselves.
namespace proxyd {

/// The settings of the supervisor. Throws base::Fatal if the configured user does not exist.
process::Settings process_settings(const conf::Config& config);

/// The settings of the control socket; nothing for `socket: none`. Throws base::Fatal if a configured group
/// does not exist.
std::optional<control::ControlSettings> control_settings(const conf::Config& config);

}  // namespace proxyd
