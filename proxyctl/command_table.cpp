#include "proxyctl/command_table.hpp"

#include "libudpserver/base/text.hpp"
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

constexpr std::size_t many = most_arguments;
using enum Group;
using enum Access;

/// Name, group, operands, options, filters; what it does; who may, where, how many operands, of which kind.
const Command table[] = {
    {"show-app",
     components,
     "",
     {},
     false,
     "List the instances and configurations, and how they are.",  //
     read,
     Scope::every,
     0,
     0,
     Kind::text,
     run_show_app},
    {"start",
     components,
     "",
     {},
     false,
     "Start an instance from its configuration.",  //
     local,
     Scope::chosen,
     0,
     0,
     Kind::text,
     run_start},
    {"stop", components, "", stop_options, false, "End an instance, and wait until its ports are free.",  //
     change, Scope::chosen, 0, 0, Kind::text, run_stop},
    {"restart", components, "", stop_options, false, "End an instance and start it again.",  //
     change, Scope::chosen, 0, 0, Kind::text, run_restart},
    {"reload", components, "", reload_options, false,
     "Read the configuration again, and keep the sessions.",  //
     change, Scope::chosen, 0, 0, Kind::text, run_reload},
    {"upgrade",
     components,
     "",
     {},
     false,
     "Go on as the program that is installed now.",  //
     change,
     Scope::chosen,
     0,
     0,
     Kind::text,
     run_upgrade},
    {"ps",
     components,
     "",
     {},
     false,
     "List the processes of an instance.",  //
     read,
     Scope::chosen,
     0,
     0,
     Kind::text,
     run_ps},
    {"kill", components, "[ROLE | SESSION ...]", kill_options, true,
     "Kill a child, which is replaced, or end sessions.",  //
     change, Scope::chosen, 0, many, Kind::kill, run_kill},
    {"signal",
     components,
     "SIGNAL [ROLE]",
     {},
     false,
     "Send a signal to the parent, a child or all.",  //
     change,
     Scope::chosen,
     1,
     2,
     Kind::signal,
     run_signal},

    {"sessions", sessions, "", sessions_options, true, "List the sessions.",  //
     read, Scope::chosen, 0, 0, Kind::text, run_sessions},
    {"session",
     sessions,
     "SESSION",
     {},
     false,
     "Show everything about one session.",  //
     read,
     Scope::chosen,
     1,
     1,
     Kind::session,
     run_session},
    {"monitor", sessions, "", monitor_options, true,
     "Show the sessions and their speeds live, as top does.",  //
     read, Scope::chosen, 0, 0, Kind::text, run_monitor},
    {"watch", sessions, "", watch_options, false, "Print what happens to sessions as it happens.",  //
     read, Scope::chosen, 0, 0, Kind::text, run_watch},

    {"explain", policy, "[from CLIENT to LISTENER [at [DAY] HH:MM] [dscp N]]", explain_options, false,
     "Say what would become of a client, and why.",  //
     read, Scope::chosen, 0, 9, Kind::explain, run_explain},
    {"rules",
     policy,
     "",
     {},
     false,
     "List the rules, with what each has decided.",  //
     read,
     Scope::chosen,
     0,
     0,
     Kind::text,
     run_rules},

    {"names",
     Group::names,
     "",
     {},
     false,
     "List the names of the configuration and their addresses.",  //
     read,
     Scope::chosen,
     0,
     0,
     Kind::text,
     run_names},
    {"resolve",
     Group::names,
     "NAME",
     {},
     false,
     "Look a name up as the proxy does.",  //
     read,
     Scope::chosen,
     1,
     1,
     Kind::text,
     run_resolve},

    {"log", logs, "level [ROLE] [up | down | LEVEL] | reopen | tail", log_options, false,
     "Show or change log levels, reopen the log file, show its end.",  //
     change, Scope::chosen, 1, 3, Kind::log, run_log},
    {"info",
     logs,
     "[ROLE]",
     {},
     false,
     "Let the processes tell how they are.",  //
     read,
     Scope::chosen,
     0,
     1,
     Kind::role,
     run_info},

    {"status",
     health,
     "",
     {},
     false,
     "Say in one line for each instance whether it serves.",  //
     read,
     Scope::every,
     0,
     0,
     Kind::text,
     run_status},
    {"stats", health, "", stats_options, false, "Show the totals.",  //
     read, Scope::chosen, 0, 0, Kind::text, run_stats},
    {"doctor",
     health,
     "",
     {},
     false,
     "Look for faults of the machine and of an instance.",  //
     read,
     Scope::perhaps,
     0,
     0,
     Kind::text,
     run_doctor},

    {"config", general, "", config_options, false, "Print the configuration.",  //
     read, Scope::chosen, 0, 0, Kind::text, run_config},
    {"version",
     general,
     "",
     {},
     false,
     "Print the versions of this program and of the instance.",  //
     read,
     Scope::perhaps,
     0,
     0,
     Kind::text,
     run_version},
    {"help",
     general,
     "[COMMAND]",
     {},
     false,
     "List the commands, or tell about one.",  //
     local,
     Scope::none,
     0,
     1,
     Kind::command,
     run_help},
    {"man",
     general,
     "",
     {},
     false,
     "Show the manual page.",  //
     local,
     Scope::none,
     0,
     0,
     Kind::text,
     run_man},
    {"quit",
     general,
     "",
     {},
     false,
     "Leave the interactive mode.",  //
     local,
     Scope::none,
     0,
     0,
     Kind::text,
     run_quit},
};

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
                                          "needs the right to change"};
    return words[static_cast<std::size_t>(access)];
}

}  // namespace proxyctl
