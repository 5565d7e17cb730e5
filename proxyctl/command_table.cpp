#include "proxyctl/command_table.hpp"

#include "base/text.hpp"
#include "proxyctl/doctor.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/general_commands.hpp"
#include "proxyctl/health_commands.hpp"
#include "proxyctl/life_commands.hpp"
#include "proxyctl/monitor.hpp"
#include "proxyctl/policy_commands.hpp"
#include "proxyctl/process_commands.hpp"
#include "proxyctl/session_commands.hpp"
#include "proxyctl/watch.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

namespace {

using enum Group;
using enum Access;
using enum Scope;

constexpr Operands nothing{};
constexpr Operands one_role{"[ROLE]", 0, 1, Kind::role};
constexpr Operands children_or_sessions{"[ROLE | SESSION ...]", 0, most_arguments, Kind::kill};
constexpr Operands signal_and_role{"SIGNAL [ROLE]", 1, 2, Kind::signal};
constexpr Operands one_session{"SESSION", 1, 1, Kind::session};
constexpr Operands a_datagram{"[from CLIENT to LISTENER [at [DAY] HH:MM] [dscp N]]", 0, 9, Kind::explain};
constexpr Operands one_name{"NAME", 1, 1};
constexpr Operands perhaps_a_name{"[NAME]", 0, 1};
constexpr Operands what_of_the_log{"level [ROLE] [up | down | LEVEL] | reopen | tail", 1, 3, Kind::log};
constexpr Operands one_command{"[COMMAND]", 0, 1, Kind::command};

constexpr OptionSet plain{};

constexpr OptionSet filters_and(std::span<const Option> own) {
    return {own, true};
}

// clang-format off
const Command table[] = {
    {"show-app", components, read, every, nothing, plain, run_show_app,
     "List the instances and configurations, and how they are."},
    {"start", components, local, chosen, nothing, plain, run_start,
     "Start an instance from its configuration."},
    {"stop", components, change, chosen, nothing, {stop_options}, run_stop,
     "End an instance, and wait until its ports are free."},
    {"restart", components, change, chosen, nothing, {stop_options}, run_restart,
     "End an instance and start it again."},
    {"reload", components, change, chosen, nothing, {reload_options}, run_reload,
     "Read the configuration again, and keep the sessions."},
    {"upgrade", components, change, chosen, nothing, plain, run_upgrade,
     "Go on as the program that is installed now."},
    {"ps", components, read, chosen, nothing, plain, run_ps,
     "List the processes of an instance."},
    {"kill", components, change, chosen, children_or_sessions, filters_and(kill_options), run_kill,
     "Kill a child, which is replaced, or end sessions."},
    {"signal", components, change, chosen, signal_and_role, plain, run_signal,
     "Send a signal to the parent, a child or all."},

    {"sessions", sessions, read, chosen, nothing, filters_and(sessions_options), run_sessions,
     "List the sessions."},
    {"session", sessions, read, chosen, one_session, {session_options}, run_session,
     "Show everything about one session."},
    {"monitor", sessions, read, chosen, nothing, filters_and(monitor_options), run_monitor,
     "Show the sessions and their speeds live, as top does."},
    {"watch", sessions, read, chosen, nothing, {watch_options}, run_watch,
     "Print what happens to sessions as it happens."},

    {"explain", policy, read, chosen, a_datagram, {explain_options}, run_explain,
     "Say what would become of a client, and why."},
    {"rules", policy, read, chosen, nothing, plain, run_rules,
     "List the rules, with what each has decided."},

    {"names", names, read, chosen, nothing, plain, run_names,
     "List the names of the configuration and their addresses."},
    {"refresh", names, change, chosen, perhaps_a_name, plain, run_refresh,
     "Ask for the names of the configuration, or one of them, now."},
    {"resolve", names, read, chosen, one_name, plain, run_resolve,
     "Look a name up as the proxy does."},

    {"log", logs, mixed, chosen, what_of_the_log, {log_options}, run_log,
     "Show or change log levels, reopen the log file, show its end."},
    {"info", logs, read, chosen, one_role, plain, run_info,
     "Let the processes tell how they are."},

    {"status", health, read, every, nothing, plain, run_status,
     "Say in one line for each instance whether it serves."},
    {"stats", health, read, chosen, nothing, {stats_options}, run_stats,
     "Show the totals."},
    {"doctor", health, read, perhaps, nothing, plain, run_doctor,
     "Look for faults of the machine and of an instance."},

    {"config", general, read, chosen, nothing, {config_options}, run_config,
     "Print the configuration."},
    {"version", general, read, perhaps, nothing, plain, run_version,
     "Print the versions of this program and of the instance."},
    {"help", general, local, none, one_command, plain, run_help,
     "List the commands, or tell about one."},
    {"man", general, local, none, nothing, plain, run_man,
     "Show the manual page."},
    {"quit", general, local, none, nothing, plain, run_quit,
     "Leave the interactive mode."},
};
// clang-format on

std::string names_of(const std::vector<const Command*>& commands) {
    std::string names;
    for (const Command* command : commands)
        names += (names.empty() ? "" : ", ") + std::string(command->name);
    return names;
}

[[noreturn]] void fail_unknown(std::string_view word) {
    std::vector<std::string> names;
    for (const Command& command : table)
        names.emplace_back(command.name);
    const auto meant = base::nearest(word, names);
    fail(exit_status::misused, "there is no command '{}'; {}", base::printable(word),
         meant ? "did you mean " + *meant + "?" : "`proxyctl help` lists them");
}

}  // namespace

std::span<const Command> commands() {
    return table;
}

std::vector<const Command*> find_commands(std::string_view word) {
    const std::string begin = lower(word);
    std::vector<const Command*> found;
    for (const Command& command : table) {
        if (command.name == begin) return {&command};
        if (!begin.empty() && command.name.starts_with(begin)) found.push_back(&command);
    }
    return found;
}

const Command& command_named(std::string_view word) {
    const std::vector<const Command*> found = find_commands(word);
    if (found.size() == 1) return *found.front();
    if (found.empty()) fail_unknown(word);
    fail(exit_status::misused, "'{}' may be {}", base::printable(word), names_of(found));
}

std::string_view title_of(Group group) {
    constexpr std::string_view titles[] = {"Components", "Sessions", "Policy", "Names",
                                           "Logs",       "Health",   "General"};
    return titles[static_cast<std::size_t>(group)];
}

std::string_view word_for(Access access) {
    constexpr std::string_view words[] = {"needs no right", "needs the right to look",
                                          "needs the right to change",
                                          "needs the right to look, and for changes that to change"};
    return words[static_cast<std::size_t>(access)];
}

}  // namespace proxyctl
