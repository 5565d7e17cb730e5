#include "proxyctl/process_commands.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/session_filter.hpp"
#include "proxyctl/words.hpp"

namespace proxyctl {

const Option kill_options[2] = {
    {"refuse", "TIME", Kind::duration, "refuse their clients for so long"},
    {"every", "", Kind::flag, "all sessions; without any filter this must be said"},
};
const Option log_options[2] = {
    {"lines", "N", Kind::number, "tail: so many lines", 'n'},
    {"follow", "", Kind::flag, "tail: go on with what comes", 'f'},
};

namespace {

constexpr std::array<std::string_view, 5> roles{"REG", "ACR", "APR", "parent", "all"};
constexpr std::array<std::string_view, 8> signal_names{"USR1", "USR2", "WINCH", "INFO",
                                                       "HUP",  "TERM", "INT",   "QUIT"};
constexpr std::array<std::pair<std::string_view, int>, 7> levels{
    {{"error", 3}, {"warning", 4}, {"notice", 5}, {"normal", 6}, {"debug", 7}, {"trace", 8}, {"full", 9}}};

std::string needed_role(const std::string& word) {
    if (const auto role = role_of(word)) return *role;
    fail(exit_status::misused, "'{}' is no role; there are REG, ACR, APR, parent and all",
         base::printable(word));
}

void add_refusal(control::Args& args, const Arguments& arguments) {
    if (const auto refuse = arguments.duration("refuse")) args["refuse_ms"] = std::int64_t{refuse->count()};
}

// One that is not there does not spare the others (O-48).
int kill_sessions(Context& context, const Arguments& arguments) {
    int status = exit_status::good;
    for (const std::string& id : arguments.operands()) {
        control::Args args{{"id", id}};
        add_refusal(args, arguments);
        try {
            show_answer(context, "kill-sessions", args);
        } catch (const Failure& failure) {
            if (arguments.operands().size() == 1) throw;
            remark(id + ": " + failure.what());
            status = std::max(status, failure.status);
        }
    }
    return status;
}

int kill_filtered(Context& context, const Arguments& arguments) {
    control::Args args = filter_args(arguments);
    if (args.empty() && !arguments.has("every")) {
        fail(exit_status::misused,
             "kill: which? Give a role, sessions, filters, or --every for all sessions");
    }
    if (!args.empty() && arguments.has("every")) {
        fail(exit_status::misused, "kill: --every and a filter contradict each other");
    }
    if (arguments.has("every")) args["every"] = true;
    add_refusal(args, arguments);
    return show_answer(context, "kill-sessions", args);
}

std::int64_t level_of(const std::string& word) {
    for (const auto& [name, number] : levels) {
        if (lower(word) == name) return number;
    }
    const auto number = whole_number(word);
    if (number && *number >= 3 && *number <= 9) return *number;
    fail(exit_status::misused,
         "'{}' is no level; there are up, down, 3 to 9, error, warning, notice, normal, "
         "debug, trace and full",
         base::printable(word));
}

/// The levels of all processes, or of one role.
int show_levels(Context& context, const control::Args& args) {
    std::vector<Row> rows = ask_all(context, "ps");
    if (const auto role = args.find("role"); role != args.end()) {
        const std::string& name = std::get<std::string>(role->second);
        std::erase_if(rows, [&](const Row& row) { return name != "all" && row.text("role") != name; });
    }
    show_table(context, rows, {{"role", "ROLE"}, {"log_level", "LOG LEVEL"}});
    return exit_status::good;
}

int log_level(Context& context, std::vector<std::string> words) {
    control::Args args;
    if (!words.empty() && role_of(words.front())) {
        args["role"] = *role_of(words.front());
        words.erase(words.begin());
    }
    if (words.size() > 1)
        fail(exit_status::misused, "log level: '{}' is too much", base::printable(words[1]));
    if (words.empty()) return show_levels(context, args);
    const std::string word = lower(words.front());
    if (word == "up" || word == "down") {
        args["steps"] = std::int64_t{word == "up" ? 1 : -1};
    } else {
        args["level"] = level_of(word);
    }
    show_table(context, ask_all(context, "log-level", args));
    return exit_status::good;
}

void show_line(Context& context, const Row& row) {
    if (context.out.json()) {
        context.out.row_line(row);
    } else {
        const std::string role = row.text("role");
        context.out.line((role.empty() ? "" : visible(role) + ": ") + visible(row.text("line")));
    }
    context.out.flush();
}

int log_tail(Context& context, const Arguments& arguments) {
    control::Args args;
    if (const auto lines = arguments.number("lines")) args["lines"] = *lines;
    const bool follow = arguments.has("follow");
    if (follow) args["follow"] = true;
    Connection connection = connect(context);
    ask(connection, follow ? context.endless() : context.patience(), {"log-tail", args},
        [&](const Row& row) { show_line(context, row); });
    return exit_status::good;
}

}  // namespace

std::optional<std::string> role_of(std::string_view word) {
    const auto found =
        std::find_if(roles.begin(), roles.end(), [&](auto role) { return lower(role) == lower(word); });
    return found == roles.end() ? std::nullopt : std::optional(std::string(*found));
}

std::optional<std::string> signal_of(std::string_view word) {
    std::string name = upper(word);
    if (name.starts_with("SIG")) name.erase(0, 3);
    if (name == "PWR") name = "INFO";
    const bool known = std::find(signal_names.begin(), signal_names.end(), name) != signal_names.end();
    return known ? std::optional(name) : std::nullopt;
}

bool is_session_id(std::string_view word) {
    const std::size_t dot = word.find('.');
    return dot != std::string_view::npos && whole_number(word.substr(0, dot)) &&
           whole_number(word.substr(dot + 1));
}

int run_ps(Context& context, const Arguments&) {
    show_table(context, ask_all(context, "ps"),
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
    return exit_status::good;
}

int run_kill(Context& context, const Arguments& arguments) {
    const std::vector<std::string>& what = arguments.operands();
    if (what.empty()) return kill_filtered(context, arguments);
    if (!filter_args(arguments).empty() || arguments.has("every")) {
        fail(exit_status::misused, "kill: give sessions or filters, not both");
    }
    if (std::all_of(what.begin(), what.end(), is_session_id)) return kill_sessions(context, arguments);
    const auto role = role_of(what.front());
    if (what.size() == 1 && role && *role != "all") {
        return show_answer(context, "kill-role", {{"role", *role}});
    }
    fail(exit_status::misused, "kill: '{}' is neither a role (REG, ACR, APR) nor a session (as 17.3)",
         base::printable(what.front()));
}

int run_signal(Context& context, const Arguments& arguments) {
    const std::vector<std::string>& words = arguments.operands();
    const auto signal = signal_of(words.front());
    if (!signal) {
        fail(exit_status::misused,
             "signal: '{}' is none that a proxy handles; there are USR1, USR2, WINCH, INFO, HUP, TERM, INT, "
             "QUIT",
             base::printable(words.front()));
    }
    control::Args args{{"signal", *signal}};
    if (words.size() > 1) args["role"] = needed_role(words[1]);
    show_table(context, ask_all(context, "signal", args));
    return exit_status::good;
}

int run_log(Context& context, const Arguments& arguments) {
    std::vector<std::string> words = arguments.operands();
    const std::string what = lower(words.front());
    words.erase(words.begin());
    if (what == "level") return log_level(context, words);
    if (!words.empty())
        fail(exit_status::misused, "log {}: '{}' is too much", what, base::printable(words[0]));
    if (what == "reopen") return show_answer(context, "log-reopen");
    if (what == "tail") return log_tail(context, arguments);
    fail(exit_status::misused, "log: '{}' is not one of level, reopen and tail", base::printable(what));
}

int run_info(Context& context, const Arguments& arguments) {
    control::Args args;
    if (!arguments.operands().empty()) args["role"] = needed_role(arguments.operands().front());
    ask(context, "info", args, [&](const Row& row) { show_line(context, row); });
    return exit_status::good;
}

}  // namespace proxyctl
