#include <algorithm>

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/human.hpp"

/// Commands about the processes of an instance, and about its log.
namespace proxyctl {

namespace {

std::string role_argument(const std::string& word) {
    if (const auto role = role_of(word)) return *role;
    if (base::upper(word) == "LOG")
        fail(exit_status::misused,
             "LOG takes no signals and has no log level or report; `log reopen` starts it again");
    fail(exit_status::misused, "unknown role '{}' (expected REG, ACR, APR, parent or all)",
         base::printable(word));
}

int run_ps(Context& context, const Arguments&) {
    const std::vector<Row> processes = ask_all(context, "ps");
    show_table(context, processes,
               {{"role", "ROLE"},
                {"state", "STATE"},
                {"pid", "PID"},
                {"uptime_ms", "UPTIME"},
                {"restarts", "RESTARTS"},
                {"memory_bytes", "MEMORY"},
                {"descriptors", "FILES"},
                {"log_level", "LEVEL"},
                {"last_exit_ago_ms", "AGO"},
                {"last_exit", "LAST EXIT"}});
    if (context.out.json()) return exit_status::good;
    for (const Row& process : processes)
        if (const std::string fault = process.text("fault"); !fault.empty())
            context.out.line(visible(process.text("role") + " " + fault), Tone::warning);
    return exit_status::good;
}

void add_refusal(control::Args& args, const Arguments& arguments) {
    if (const auto refuse = arguments.duration("refuse")) args["refuse_ms"] = std::int64_t{refuse->count()};
}

/// A failure does not stop the remaining sessions (O-48).
int kill_sessions(Context& context, const Arguments& arguments) {
    int status = exit_status::good;
    for (const std::string& id : arguments.operands()) {
        control::Args args{{"id", id}};
        add_refusal(args, arguments);
        try {
            show_answer(context, "kill-sessions", args);
        } catch (const Failure& failure) {
            if (arguments.operands().size() == 1) throw;
            print_error(id + ": " + failure.what());
            status = std::max(status, failure.status);
        }
    }
    return status;
}

int kill_filtered(Context& context, const Arguments& arguments) {
    control::Args args = filter_args(arguments);
    const bool every = arguments.has("every");
    if (args.empty() && !every)
        fail(exit_status::misused, "kill: expected a role, sessions, filters, or --every for all sessions");
    if (!args.empty() && every) fail(exit_status::misused, "kill: --every and filters exclude each other");
    if (every) args["every"] = true;
    add_refusal(args, arguments);
    return show_answer(context, "kill-sessions", args);
}

int run_kill(Context& context, const Arguments& arguments) {
    const std::vector<std::string>& targets = arguments.operands();
    if (targets.empty()) return kill_filtered(context, arguments);
    if (!filter_args(arguments).empty() || arguments.has("every"))
        fail(exit_status::misused, "kill: roles or sessions and filters exclude each other");
    if (std::all_of(targets.begin(), targets.end(), is_session_id)) return kill_sessions(context, arguments);
    const auto is_role = [](const std::string& word) { return role_of(word).value_or("all") != "all"; };
    const auto wrong = std::ranges::find_if(
        targets, [&](const std::string& word) { return !is_session_id(word) && !is_role(word); });
    if (wrong != targets.end())
        fail(exit_status::misused, "kill: '{}' is not a role (REG, ACR, APR) or a session id such as 17.3",
             base::printable(*wrong));
    if (targets.size() > 1) fail(exit_status::misused, "kill: expected one role, or sessions");
    if (arguments.has("refuse"))
        fail(exit_status::misused, "kill: --refuse is for the clients of sessions, not for a role");
    return show_answer(context, "kill-role", {{"role", *role_of(targets.front())}});
}

int run_signal(Context& context, const Arguments& arguments) {
    const std::vector<std::string>& words = arguments.operands();
    const auto signal = signal_of(words.front());
    if (!signal) {
        fail(exit_status::misused,
             "signal: unknown signal '{}' (expected USR1, USR2, WINCH, INFO, HUP, TERM, INT or QUIT)",
             base::printable(words.front()));
    }
    control::Args args{{"signal", *signal}};
    if (words.size() > 1) args["role"] = role_argument(words[1]);
    return show_table(context, ask_all(context, "signal", args));
}

/// The levels of all processes, or of one role.
int show_levels(Context& context, const control::Args& args) {
    std::vector<Row> processes = ask_all(context, "ps");
    // LOG writes the lines of the others.
    std::erase_if(processes, [](const Row& process) { return process.find("log_level") == nullptr; });
    if (const auto role = args.find("role"); role != args.end()) {
        const std::string& name = std::get<std::string>(role->second);
        std::erase_if(processes,
                      [&](const Row& process) { return name != "all" && process.text("role") != name; });
        if (processes.empty()) fail(exit_status::no_right, "this proxy has no {} now; see `ps`", name);
    }
    return show_table(context, processes, {{"role", "ROLE"}, {"log_level", "LOG LEVEL"}});
}

[[noreturn]] void fail_unexpected(const char* command, const std::string& word) {
    fail(exit_status::misused, "{}: unexpected argument '{}'", command, base::printable(word));
}

int log_level(Context& context, std::vector<std::string> words) {
    control::Args args;
    if (!words.empty() && role_of(words.front())) {
        args["role"] = *role_of(words.front());
        words.erase(words.begin());
    }
    // With two words the first must be a role; a process that has none is not a level either.
    if (args.empty() && !words.empty() && (words.size() > 1 || base::upper(words.front()) == "LOG"))
        args["role"] = role_argument(words.front());
    if (words.size() > 1) fail_unexpected("log level", words[1]);
    if (words.empty()) return show_levels(context, args);
    const std::string word = base::lower(words.front());
    if (word == "up" || word == "down") {
        args["steps"] = std::int64_t{word == "up" ? 1 : -1};
    } else if (const auto level = level_of(word)) {
        args["level"] = *level;
    } else {
        fail(exit_status::misused,
             "unknown level '{}' (expected up, down, 3 to 9, error, warning, notice, normal, debug, trace or "
             "full)",
             base::printable(word));
    }
    return show_table(context, ask_all(context, "log-level", args));
}

void show_log_line(Context& context, const Row& row) {
    if (const std::string note = row.text("note"); !note.empty() && !context.out.json())
        return print_error(note);
    const std::string role = row.text("role");
    show_line(context, row, (role.empty() ? "" : role + ": ") + row.text("line"));
    context.out.flush();
}

int log_tail(Context& context, const Arguments& arguments) {
    control::Args args;
    if (const auto lines = arguments.number("lines")) args["lines"] = *lines;
    const bool follow = arguments.has("follow");
    if (follow) args["follow"] = true;
    Connection connection = connect(context);
    ask(connection, follow ? context.no_timeout() : context.timeout(), {"log-tail", args},
        [&](const Row& row) { show_log_line(context, row); });
    return exit_status::good;
}

int run_log(Context& context, const Arguments& arguments) {
    std::vector<std::string> words = arguments.operands();
    const std::string action = base::lower(words.front());
    words.erase(words.begin());
    if (action == "level") return log_level(context, words);
    if (!words.empty()) fail_unexpected("log", words.front());
    if (action == "reopen") return show_answer(context, "log-reopen");
    if (action == "tail") return log_tail(context, arguments);
    fail(exit_status::misused, "log: unknown action '{}' (expected level, reopen or tail)",
         base::printable(action));
}

int run_info(Context& context, const Arguments& arguments) {
    control::Args args;
    if (!arguments.operands().empty()) args["role"] = role_argument(arguments.operands().front());
    ask(context, "info", args, [&](const Row& row) { show_log_line(context, row); });
    return exit_status::good;
}

}  // namespace

std::span<const Command> process_commands() {
    using namespace row_words;
    static constexpr Option kill_options[] = {
        {"refuse", "TIME", ArgumentType::duration, "refuse new sessions of their clients for this long"},
        {"every", "", ArgumentType::flag, "all sessions; required without a filter"},
    };
    // clang-format off
    static constexpr Command rows[] = {
        {"ps", components, read, selected, {}, {}, run_ps,
         "List the processes of an instance."},
        {"kill", components, change, selected, {"[ROLE | SESSION ...]", 0, max_arguments, ArgumentType::kill},
         kill_options, run_kill,
         "Kill a child process, which restarts, or close sessions.", with_filters},
        {"signal", components, change, selected, {"SIGNAL [ROLE]", 1, 2, ArgumentType::signal}, {}, run_signal,
         "Send a signal to the parent, a child or all children."},
    };
    // clang-format on
    return rows;
}

std::span<const Command> log_commands() {
    using namespace row_words;
    static constexpr Option log_options[] = {
        {"lines", "N", ArgumentType::number, "tail: the number of lines", 'n'},
        {"follow", "", ArgumentType::flag, "tail: print new lines as they are written", 'f'},
    };
    // clang-format off
    static constexpr Command rows[] = {
        {"log", logs, mixed, selected,
         {"level [ROLE] [up | down | LEVEL] | reopen | tail", 1, 3, ArgumentType::log}, log_options, run_log,
         "Show or change log levels, reopen the log file, show its last lines."},
        {"info", logs, read, selected, {"[ROLE]", 0, 1, ArgumentType::role}, {}, run_info,
         "Print each process's status report."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
