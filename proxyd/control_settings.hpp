#pragma once

#include <optional>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/control/control_settings.hpp"

namespace proxyd {

/// The default control socket of an instance.
std::string default_control_path(const std::string& instance);

/// The control socket that the configuration asks for; nothing for `socket: none`. Throws base::Fatal when a
/// group does not exist.
std::optional<control::ControlSettings> control_settings(const conf::Config& config);

}  // namespace proxyd
