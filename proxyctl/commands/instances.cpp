#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "base/text.hpp"
#include "conf/accounts.hpp"
#include "proxyctl/answer.hpp"
#include "proxyctl/bind_check.hpp"
#include "proxyctl/command_table.hpp"
#include "proxyctl/human.hpp"
#include "proxyctl/program.hpp"
#include "proxyctl/service.hpp"

/// Commands that list, start and stop instances.
namespace proxyctl {

namespace {

/// Longer than any reasonable stop-timeout.
constexpr base::Duration stop_timeout = std::chrono::seconds(30);
/// proxyd may wait for the names of its configuration.
constexpr base::Duration start_timeout = std::chrono::seconds(60);
constexpr base::Duration upgrade_timeout = std::chrono::seconds(30);
constexpr base::Duration upgrade_poll_interval = std::chrono::milliseconds(50);

/// The parent process of a proxy, held by a descriptor, so that a reused pid is not mistaken for it.
class ParentProcess {
public:
    ParentProcess(const Context& context, Connection& connection) {
        open(connection.peer());
        if (fd_) return;
        // The kernel names the process that began to listen, which has exited if it became a daemon
        // afterwards.
        ask(connection, context.timeout(), {"version", {}},
            [this](const Row& row) { open(static_cast<pid_t>(row.number("pid").value_or(0))); });
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

    /// Waits until it has exited and its ports are free (K-76); false after the limit.
    bool wait_exit(Connection& connection, const Timeout& timeout) const {
        if (fd_) return wait_for(fd_.get(), POLLIN, timeout);
        // A process in another pid namespace is invisible, but it closes the connection when it exits.
        const base::Instant end = base::MonotonicClock::now() + timeout.limit;
        for (;;) {
            const base::Duration left = end - base::MonotonicClock::now();
            if (left <= base::Duration::zero()) return false;
            if (!wait_for(connection.descriptor(), POLLIN, {left, timeout.interrupt})) return false;
            if (!connection.receive()) return true;
            while (connection.take_line()) {
            }
        }
    }

private:
    void open(pid_t pid) {
        if (pid <= 0) return;  // in another pid namespace
        fd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (fd_) pid_ = pid;
    }

    pid_t pid_ = 0;
    base::UniqueFd fd_;
};

int run_show_app(Context& context, const Arguments&) {
    const Settings& settings = context.settings;
    Table table(
        {{"name", "NAME"}, {"state", "STATE"}, {"configuration", "CONFIGURATION"}, {"socket", "SOCKET"}});
    const std::vector<Instance> instances = select_or_all(settings.selection, settings.places);
    for (const Instance& instance : instances) {
        const InstanceState state = state_of(context, instance);
        const Row row({{"name", instance.name},
                       {"state", state.state},
                       {"configuration", instance.config.file},
                       {"socket", instance.socket},
                       {"why", state.why}});
        if (context.out.json()) context.out.row_line(row);
        table.add(row, state.tone());
    }
    if (context.out.json()) return exit_status::good;
    instances.empty() ? context.out.line(visible(no_instances(settings.places))) : context.out.table(table);
    return exit_status::good;
}

int show_result(Context& context, const char* result) {
    show_line(context, Row({{"name", context.instance->name}, {result, true}}),
              context.instance->name + ": " + result);
    context.out.flush();
    return exit_status::good;
}

Timeout timeout_of(const Context& context, base::Duration usual) {
    return {context.settings.timeout_given ? context.settings.timeout : usual, context.interrupt};
}

std::string file_of(const Context& context) {
    if (context.instance->has_file()) return context.instance->config.file;
    fail(exit_status::not_running, "{}: no configuration in {}", context.instance->name,
         context.settings.places.conf_dir);
}

/// systemd would not supervise a proxy that is started beside its unit.
int start_unit(Context& context, const std::string& unit) {
    const int status = run_program({"systemctl", "start", unit}, timeout_of(context, start_timeout));
    if (status != 0)
        fail(exit_status::failed, "{}: {} did not start; see `journalctl -u {}`", context.instance->name,
             unit, unit);
    return show_result(context, "started");
}

/// The file decides about the unit: it need not be the one in the folder of configurations.
int start(Context& context, const std::string& file) {
    const Instance instance = instance_of_file(file, context.settings.places);
    if (const std::string unit = unit_of(instance); !unit.empty()) return start_unit(context, unit);
    if (instance.config.nodaemon) {
        fail(exit_status::failed, "{}: its configuration sets nodaemon; start it with its service manager",
             instance.name);
    }
    const int status = run_program({proxyd_path(), "-f", file}, timeout_of(context, start_timeout));
    if (status != 0) fail(exit_status::failed, "{}: proxyd exited with status {}", instance.name, status);
    return show_result(context, "started");
}

int run_stop(Context& context, const Arguments& arguments) {
    Connection connection = connect(context);
    const ParentProcess parent(context, connection);
    control::Args args;
    Timeout timeout = timeout_of(context, stop_timeout);
    if (const auto graceful = arguments.duration("graceful")) {
        args["graceful_ms"] = std::int64_t{graceful->count()};
        timeout.limit += *graceful;
    }
    try {
        ask(connection, context.timeout(), {"stop", args}, [](const Row&) {});
    } catch (const AnswerCut&) {
        // The proxy may exit before its last line is read.
    }
    if (!parent.wait_exit(connection, timeout)) {
        fail(exit_status::timed_out, "{}: pid {} did not exit within {}; a second stop stops it at once",
             context.instance->name, parent.pid(), base::format_duration(timeout.limit));
    }
    return show_result(context, "stopped");
}

/// A running instance is not stopped for a configuration that cannot start, or would not have its unit.
/// `running`: the file that it runs with, empty if it does not run.
void check_restart(const Context& context, const std::string& file, const std::string& running) {
    const Instance next = instance_of_file(file, context.settings.places);
    if (!next.problem.empty())
        fail(exit_status::failed, "{}: not restarted: {}", context.instance->name, next.problem);
    if (const auto problems = conf::account_problems(next.config); !problems.empty())
        fail(exit_status::failed, "{}: not restarted: {}: {}", context.instance->name, file,
             base::joined(problems, "; "));
    if (next.config.nodaemon && unit_of(next).empty())
        fail(exit_status::failed, "{}: not restarted: {} sets nodaemon; restart it with its service manager",
             context.instance->name, file);
    if (running.empty()) return;
    Instance now;
    now.config.file = running;
    const std::string unit = unit_of(now), next_unit = unit_of(next);
    if (unit == next_unit) return;
    fail(exit_status::failed,
         "{}: not restarted: it runs as {}, but {} would run as {}; stop it, then start the other",
         context.instance->name, unit.empty() ? "a process without a unit" : unit, file,
         next_unit.empty() ? "a process without a unit" : next_unit);
}

int run_start(Context& context, const Arguments&) {
    const std::string file = file_of(context);
    if (!is_running(context)) return start(context, file);
    print_error(context.instance->name + ": already running, skipped");
    return exit_status::failed;
}

/// The file that the user names, or the one in the folder of configurations. A reply may name another one,
/// but must not choose what is started.
std::string file_for_restart(const Context& context, const Arguments& arguments) {
    if (const auto chosen = arguments.text("file"))
        return std::filesystem::absolute(*chosen).lexically_normal().string();
    if (context.instance->has_file()) return context.instance->config.file;
    fail(exit_status::not_running, "{}: not restarted: no configuration in {}; name the file with --file",
         context.instance->name, context.settings.places.conf_dir);
}

void check_same_file(const Context& context, const Arguments& arguments, const std::string& file,
                     const std::string& running) {
    std::error_code error;
    const bool is_same = running == file || std::filesystem::equivalent(running, file, error);
    if (arguments.has("file") || running.empty() || is_same) return;
    fail(exit_status::failed, "{}: not restarted: it runs with {}, but {} has its name; name one with --file",
         context.instance->name, running, file);
}

/// Whether this process sees the same addresses and ports as the proxy.
bool shares_network(std::int64_t pid) {
    const auto network = [](const std::string& process) {
        std::error_code error;
        const std::string name =
            std::filesystem::read_symlink("/proc/" + process + "/ns/net", error).string();
        return error ? "" : name;
    };
    const std::string own = network("self");
    return !own.empty() && own == network(std::to_string(pid));
}

void check_listeners(const Context& context, const std::string& file) {
    if (!shares_network(ask_one(context, "version").number("pid").value_or(0))) return;
    std::vector<base::Endpoint> own;
    const Row status = ask_one(context, "status");
    if (const Value* listeners = status.find("listeners"))
        for (const Field& member : listeners->members)
            if (const auto endpoint = base::parse_endpoint(member.value.text)) own.push_back(*endpoint);
    const Instance next = instance_of_file(file, context.settings.places);
    if (const std::string problem = bind_problem(next.config.listen_on, std::move(own)); !problem.empty())
        fail(exit_status::failed, "{}: not restarted: it could not listen at {}", context.instance->name,
             problem);
}

int run_restart(Context& context, const Arguments& arguments) {
    const std::string file = file_for_restart(context, arguments);
    static_cast<void>(socket_of(context));  // without one it is unknown whether it runs
    if (!is_running(context)) {
        check_restart(context, file, {});
        print_error(context.instance->name + ": was not running");
        return start(context, file);
    }
    const std::string running = ask_one(context, "version").text("config");
    check_same_file(context, arguments, file, running);
    check_restart(context, file, running);
    check_listeners(context, file);
    run_stop(context, arguments);
    return start(context, file);
}

/// What the verdict of the proxy means; an older proxy gives none.
std::string verdict_text(const std::string& result, bool check, bool changed) {
    if (result == "unchanged" || (result.empty() && !changed)) return "the configuration has not changed";
    return check ? "the configuration is valid; a reload would make these changes" : "reloaded";
}

int run_reload(Context& context, const Arguments& arguments) {
    const bool check = arguments.has("check");
    std::string result;
    bool changed = false;
    ask(context, "reload", check ? control::Args{{"check", true}} : control::Args{}, [&](const Row& row) {
        if (const std::string verdict = row.text("result"); !verdict.empty()) result = verdict;
        changed = true;
        if (context.out.json()) return context.out.row_line(row);
        if (row.text("result").empty()) context.out.line(visible(row.text("text")));
    });
    if (context.out.json()) return exit_status::good;
    context.out.line(visible(context.instance->name) + ": " + verdict_text(result, check, changed));
    return exit_status::good;
}

/// The old binary may close the connection in the middle of an answer.
bool is_upgraded(const Context& context, std::int64_t upgrades_before) {
    const std::string& name = context.instance->name;
    try {
        const Row version = ask_one(context, "version");
        if (const std::string why = version.text("upgrade_failure"); !why.empty())
            fail(exit_status::failed, "{}: upgrade failed, still running the old binary: {}", name, why);
        return version.number("upgrades").value_or(0) > upgrades_before &&
               state_of(context, *context.instance).state == "serving";
    } catch (const AnswerCut&) {
        return false;
    } catch (const Failure& failure) {
        if (failure.status != exit_status::not_running) throw;
        fail(exit_status::not_running, "{}: the new binary exited, and the proxy with it; see {}", name,
             log_of(*context.instance));
    }
}

int run_upgrade(Context& context, const Arguments&) {
    const std::int64_t before = ask_one(context, "version").number("upgrades").value_or(0);
    const Row plan = ask_one(context, "upgrade");
    const Timeout timeout = timeout_of(context, upgrade_timeout);
    const base::Instant deadline = base::MonotonicClock::now() + timeout.limit;
    while (!is_upgraded(context, before)) {
        if (base::MonotonicClock::now() > deadline)
            fail(exit_status::timed_out, "{}: the new binary is not ready after {}; see {}",
                 context.instance->name, base::format_duration(timeout.limit), log_of(*context.instance));
        wait_for(-1, 0, {upgrade_poll_interval, timeout.interrupt});
    }
    const std::string& name = context.instance->name;
    const std::string version = plan.text("version"), sessions = plan.text("sessions");
    show_line(context, Row({{"name", name}, {"version", version}, {"sessions", sessions}}),
              name + ": upgraded to " + version + "; sessions " + sessions);
    return exit_status::good;
}

}  // namespace

std::span<const Command> instance_commands() {
    using namespace row_words;
    static constexpr Option stop_options[] = {
        {"graceful", "TIME", ArgumentType::duration, "let sessions finish, for at most this long"}};
    static constexpr Option restart_options[] = {
        stop_options[0],
        {"file", "FILE", ArgumentType::text, "start this configuration instead of the one in /etc/proxyd"}};
    static constexpr Option reload_options[] = {
        {"check", "", ArgumentType::flag, "only show what would change"}};
    // clang-format off
    static constexpr Command rows[] = {
        {"show-app", components, read, none, {}, {}, run_show_app,
         "List the instances and configurations, and their state."},
        {"start", components, local, selected, {}, {}, run_start,
         "Start an instance from its configuration."},
        {"stop", components, change, selected, {}, stop_options, run_stop,
         "Stop an instance, and wait until its ports are free."},
        {"restart", components, change, selected, {}, restart_options, run_restart,
         "Restart an instance."},
        {"reload", components, change, selected, {}, reload_options, run_reload,
         "Reload the configuration, keeping sessions."},
        {"upgrade", components, change, selected, {}, {}, run_upgrade,
         "Upgrade to the installed binary, keeping sessions."},
    };
    // clang-format on
    return rows;
}

}  // namespace proxyctl
