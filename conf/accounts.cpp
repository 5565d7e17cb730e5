#include "conf/accounts.hpp"

#include <algorithm>

#include "base/fatal.hpp"

namespace conf {

std::optional<base::User> user_of(const Config& config) {
    if (config.user.empty()) return std::nullopt;
    return base::find_user(config.user);
}

std::optional<gid_t> control_group(const std::string& name, const char* key) {
    if (name.empty()) return std::nullopt;
    const std::optional<gid_t> group = base::find_group(name);
    if (!group) throw base::Fatal("no group '" + name + "'; create it, or correct control." + key);
    return group;
}

std::string control_group_problem(const Config& config, const base::User& user) {
    if (!config.control.enabled || config.control.group.empty()) return "";
    const std::optional<gid_t> group = base::find_group(config.control.group);
    if (!group || (user.gid != *group && std::ranges::find(user.groups, *group) == user.groups.end()))
        return "";
    return "control.group: user '" + config.user + "' is a member of '" + config.control.group +
           "', so a child that was taken over could give commands; use a group without that user";
}

std::vector<std::string> account_problems(const Config& config) {
    std::vector<std::string> problems;
    std::optional<base::User> user;
    const auto attempt = [&problems](const auto& step) {
        try {
            step();
        } catch (const base::Fatal& problem) {
            problems.emplace_back(problem.what());
        }
    };
    attempt([&] {
        user = user_of(config);
        if (user && user->uid == 0) base::check_can_become(*user);
    });
    if (config.control.enabled) {
        attempt([&] { control_group(config.control.group, "group"); });
        attempt([&] { control_group(config.control.read_only_group, "read-only-group"); });
    }
    if (!user || config.singleproc) return problems;
    attempt([&] {
        if (std::string problem = control_group_problem(config, *user); !problem.empty())
            problems.push_back(std::move(problem));
    });
    return problems;
}

}  // namespace conf
