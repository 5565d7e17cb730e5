#pragma once

#include <string>
#include <vector>

#include "base/privileges.hpp"
#include "conf/config.hpp"

/// The accounts that a configuration names, on this machine.
namespace conf {

/// The account that the children run as; nothing if they keep the parent's. Asks the name service, so it is
/// called once. Throws base::Fatal if it does not exist.
std::optional<base::User> user_of(const Config& config);

/// A group of `control`; nothing if the key is absent. Throws base::Fatal if it does not exist.
std::optional<gid_t> control_group(const std::string& name, const char* key);

/// What is wrong if `control.group` contains the user of the children: one that was taken over could give
/// commands (G-7). Empty if it does not, or if there is no such group here.
std::string control_group_problem(const Config& config, const base::User& user);

/// Why proxyd would not start on this machine: accounts that it lacks, and what control_group_problem() says.
std::vector<std::string> account_problems(const Config& config);

}  // namespace conf
