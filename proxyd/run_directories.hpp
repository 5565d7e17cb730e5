#pragma once

#include <optional>

#include "base/privileges.hpp"
#include "conf/config.hpp"

namespace proxyd {

/// Makes the missing directories of pid file, control socket and status file that lie below /run, which is
/// empty after a boot: `/run/NAME` belongs to root, and `/run/NAME/INSTANCE` of a status file to `user`, who
/// writes it (F-3). Errors are left to those who use the directories.
void make_run_directories(const conf::Config& config, const std::optional<base::User>& user);

}  // namespace proxyd
