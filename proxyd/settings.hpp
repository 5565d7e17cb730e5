#pragma once

#include <optional>
#include <string>

#include "conf/config.hpp"
#include "libudpserver/control/control_settings.hpp"
#include "libudpserver/process/settings.hpp"

/// What the layers below need to know of the configuration, which they do not know themselves.
namespace proxyd {

/// What is wrong if `control.group` contains the user of the children: one that was taken over could give
/// commands (G-7). Empty if it does not, or if there is no such group here.
std::string control_group_problem(const conf::Config& config, const base::User& user);
/// The same for -n, on a machine that may lack the user too.
std::string control_group_problem(const conf::Config& config);

/// The account that the children run as; nothing if they keep the parent's. Asks the name service, so it is
/// called once. Throws base::Fatal if it does not exist.
std::optional<base::User> user_of(const conf::Config& config);

/// The settings of the supervisor, for children that run as `user`.
process::Settings process_settings(const conf::Config& config, std::optional<base::User> user);

/// The settings of the control socket; nothing for `socket: none`. Throws base::Fatal if a configured group
/// does not exist.
std::optional<control::ControlSettings> control_settings(const conf::Config& config);

}  // namespace proxyd
