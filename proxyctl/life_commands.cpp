#include "proxyctl/life_commands.hpp"

#include "base/text.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/failure.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/instance_state.hpp"
#include "proxyctl/parent_process.hpp"
#include "proxyctl/program.hpp"

namespace proxyctl {

const Option stop_options[1] = {
    {"graceful", "TIME", Kind::duration, "let the sessions go on, but not longer than this"}};
const Option reload_options[1] = {{"check", "", Kind::flag, "only say what would happen"}};

namespace {

/// Longer than any stop-timeout that makes sense.
constexpr base::Duration stop_patience = std::chrono::seconds(30);
/// A configuration's names may be waited for.
constexpr base::Duration start_patience = std::chrono::seconds(60);

constexpr base::Duration upgrade_patience = std::chrono::seconds(30);
constexpr base::Duration between_looks = std::chrono::milliseconds(50);

void say(Context& context, const std::string& what, const Field& field) {
    if (context.out.json()) {
        context.out.row_line(Row({{"name", Value::of(context.instance->name)}, field}));
    } else {
        context.out.line(visible(context.instance->name) + ": " + what);
    }
    context.out.flush();
}

Patience patience_of(const Context& context, base::Duration usual) {
    return {context.settings.timeout_given ? context.settings.timeout : usual, context.interrupt};
}

int start(Context& context, const std::string& file) {
    const Instance& instance = *context.instance;
    if (instance.config.nodaemon) {
        fail(exit_status::failed, "{}: its configuration says nodaemon; let its supervisor start it",
             instance.name);
    }
    const int status = run_program({proxyd_path(), "-f", file}, patience_of(context, start_patience));
    if (status != 0) fail(exit_status::failed, "{}: proxyd ended with status {}", instance.name, status);
    say(context, "started", {"started", Value::of(true)});
    return exit_status::good;
}

std::string file_of(const Context& context) {
    if (context.instance->has_file()) return context.instance->config.file;
    fail(exit_status::not_running, "{}: there is no configuration of it in {}", context.instance->name,
         context.settings.places.conf_dir);
}

/// The proxy may be gone before its last line is read.
void request_stop(const Context& context, Connection& connection, const control::Args& args) {
    try {
        ask(connection, context.patience(), {"stop", args}, [](const Row&) {});
    } catch (const AnswerBroken&) {
        return;
    }
}

void stop(Context& context, const Arguments& arguments) {
    Connection connection = connect(context);
    const ParentProcess parent(context, connection);
    control::Args args;
    Patience patience = patience_of(context, stop_patience);
    if (const auto graceful = arguments.duration("graceful")) {
        args["graceful_ms"] = std::int64_t{graceful->count()};
        patience.limit += *graceful;
    }
    request_stop(context, connection, args);
    if (!parent.wait_end(connection, patience)) {
        fail(exit_status::timed_out, "{}: pid {} has not ended within {}; a second stop ends it at once",
             context.instance->name, parent.pid(), base::format_duration(patience.limit));
    }
    say(context, "stopped", {"stopped", Value::of(true)});
}

/// What runs is not ended for something that cannot start.
void check(const Context& context, const std::string& file) {
    const Instance next = instance_of_file(file, context.settings.places);
    if (next.mistakes > 0)
        fail(exit_status::failed, "{}: not restarted: {} has {} mistakes; `proxyd -n -f {}` shows them",
             context.instance->name, file, next.mistakes, file);
    if (next.config.nodaemon)
        fail(exit_status::failed, "{}: not restarted: {} says nodaemon; let its supervisor do that",
             context.instance->name, file);
}

std::uint64_t upgrades_of(const Row& version) {
    return static_cast<std::uint64_t>(version.number("upgrades").value_or(0));
}

/// Whether the other program is there. The one of before may close the connection in the middle of an answer.
bool is_upgraded(const Context& context, std::uint64_t before) {
    try {
        const Row version = ask_one(context, "version");
        if (const std::string why = version.text("upgrade_failure"); !why.empty())
            fail(exit_status::failed, "{}: goes on as before: {}", context.instance->name, why);
        return upgrades_of(version) > before && state_of(context, *context.instance).state == "serving";
    } catch (const AnswerBroken&) {
        return false;
    } catch (const Failure& failure) {
        if (failure.status != exit_status::not_running) throw;
        fail(exit_status::not_running, "{}: the other program has ended, and the proxy with it; see the log",
             context.instance->name);
    }
}

void wait_upgraded(const Context& context, std::uint64_t before) {
    const Patience patience = patience_of(context, upgrade_patience);
    const base::Instant deadline = base::MonotonicClock::now() + patience.limit;
    while (!is_upgraded(context, before)) {
        if (base::MonotonicClock::now() > deadline)
            fail(exit_status::timed_out, "{}: the other program does not serve within {}; see the log",
                 context.instance->name, base::format_duration(patience.limit));
        wait_for(-1, 0, {between_looks, patience.interrupt});
    }
}

std::string file_of_running(const Context& context) {
    const std::string file = ask_one(context, "version").text("config");
    return file.empty() ? file_of(context) : file;
}

}  // namespace

int run_start(Context& context, const Arguments&) {
    const std::string file = file_of(context);
    if (!is_running(context)) return start(context, file);
    remark(context.instance->name + ": runs already; skipped");
    return exit_status::failed;
}

int run_stop(Context& context, const Arguments& arguments) {
    stop(context, arguments);
    return exit_status::good;
}

int run_restart(Context& context, const Arguments& arguments) {
    if (!is_running(context)) {
        const std::string file = file_of(context);
        remark(context.instance->name + ": did not run");
        return start(context, file);
    }
    const std::string file = file_of_running(context);
    check(context, file);
    stop(context, arguments);
    return start(context, file);
}

int run_reload(Context& context, const Arguments& arguments) {
    const bool check = arguments.has("check");
    const std::vector<Row> changes =
        ask_all(context, "reload", check ? control::Args{{"check", true}} : control::Args{});
    for (const Row& row : changes)
        context.out.json() ? context.out.row_line(row) : context.out.line(visible(row.text("text")));
    if (context.out.json()) return exit_status::good;
    const std::string name = visible(context.instance->name);
    context.out.line(name + (changes.empty() ? ": nothing in the configuration has changed"
                             : check         ? ": the configuration is good; this would change"
                                             : ": reloaded"));
    return exit_status::good;
}

int run_upgrade(Context& context, const Arguments&) {
    const std::uint64_t before = upgrades_of(ask_one(context, "version"));
    const Row plan = ask_one(context, "upgrade");
    wait_upgraded(context, before);
    const std::string version = plan.text("version"), sessions = plan.text("sessions");
    if (context.out.json()) {
        context.out.row_line(Row({{"name", Value::of(context.instance->name)},
                                  {"version", Value::of(version)},
                                  {"sessions", Value::of(sessions)}}));
    } else {
        context.out.line(visible(context.instance->name) + ": goes on as " + visible(version) +
                         "; sessions " + visible(sessions));
    }
    return exit_status::good;
}

}  // namespace proxyctl
