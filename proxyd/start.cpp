#include "proxyd/start.hpp"

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/fatal.hpp"
#include "base/log.hpp"
#include "base/log_channels.hpp"
#include "base/privileges.hpp"
#include "base/process_title.hpp"
#include "base/signals.hpp"
#include "conf/accounts.hpp"
#include "libudpserver/process/daemonise.hpp"
#include "libudpserver/process/log_process.hpp"
#include "libudpserver/process/pid_file.hpp"
#include "libudpserver/process/spawn.hpp"
#include "proxyd/commands/control.hpp"
#include "proxyd/confinement.hpp"
#include "proxyd/processes.hpp"
#include "proxyd/run_directories.hpp"
#include "proxyd/settings.hpp"
#include "proxyd/status_writer.hpp"

namespace proxyd {

namespace {

/// A disk that does not answer within this time ends a start; an upgrade does not wait for it.
constexpr base::Duration log_limit{5'000}, trial_log_limit{2'000};

/// What lines are written with. It must live until the last one.
struct Log {
    std::optional<Confinement> confinement;  ///< also of a LOG that writes the last lines
    std::unique_ptr<process::LogProcess> process;
    std::unique_ptr<base::log::Channels> channels;  ///< to the LOG of the program that tries this one out
};

/// A user that the children cannot become is refused here, once and on the terminal; otherwise every child
/// would exit.
std::optional<base::User> checked_user(const conf::Config& config) {
    std::optional<base::User> user = conf::user_of(config);
    if (user) base::check_can_become(*user);
    if (!user || config.singleproc) return user;
    if (const std::string problem = conf::control_group_problem(config, *user); !problem.empty())
        throw base::Fatal(problem);
    return user;
}

void open_single_log(const conf::Config& config, const std::optional<base::User>& user) {
    base::log::open(config.log, config.name, config.nodaemon, user ? static_cast<int>(user->uid) : -1);
}

/// LOG writes the log. After an upgrade the sessions are more important than the log, and nobody waits for
/// it; before, when the program is tried out, the log must be fit to be opened.
void open_log(const Start& parts, std::optional<base::User> user, Log& log) {
    const conf::Config& config = parts.config;
    process::LogSetup setup{
        config.name,
        config.log,
        config.nodaemon,
        std::move(user),
        status_work(config),
        log.confinement->for_log(config),
        [&confinement = *log.confinement] { return confinement.forbidden_call(sandbox::log); }};
    log.process = std::make_unique<process::LogProcess>(
        std::move(setup), std::vector<std::string>{"", "REG", "ACR", "APR", process::candidate_role});
    base::log::Channels* channels = &log.process->channels();
    if (parts.candidate) {
        log.process->try_out(trial_log_limit);
        log.channels = std::make_unique<base::log::Channels>(base::UniqueFd(parts.handover->log));
        channels = log.channels.get();
        log.process.reset();
    } else if (parts.handover) {
        log.process->start_later();
    } else {
        log.process->start(log_limit);
    }
    base::log::open(config.log, config.name, config.nodaemon, *channels);
}

void warn_of_root(const conf::Config& config) {
    if (::geteuid() != 0 || !config.user.empty()) return;
    base::log::write(base::msg::running_as_root, "no user is configured: {}",
                     config.singleproc ? "proxyd runs as root" : "the children run as root");
}

KeptState make_kept_state(const Start& parts) {
    return parts.handover ? KeptState(parts.config, *parts.handover) : KeptState(parts.config);
}

/// Null if none is configured.
std::unique_ptr<process::PidFile> make_pid_file(const Start& parts) {
    const std::string& path = parts.config.pid_file;
    if (path.empty() || parts.candidate) return nullptr;
    if (!parts.handover || parts.handover->pid_file.descriptor < 0)
        return std::make_unique<process::PidFile>(path);
    return std::make_unique<process::PidFile>(path, base::UniqueFd(parts.handover->pid_file.descriptor));
}

/// What the parent keeps for its lifetime.
struct Fixed {
    int pid_file = -1;
    process::LogProcess* log = nullptr;
};

/// The parent with its control socket, until all children have exited.
int supervise(const Start& parts, KeptState& kept, Confinement& confinement, base::SignalInbox& signals,
              const Fixed& fixed, const std::function<void()>& ready) {
    const Handover* const handover = parts.handover ? &*parts.handover : nullptr;
    Parent parent({parts.config, parts.load, handover, confinement, fixed.log}, kept, signals);
    Upgrade upgrade(parent, parts.program, handover ? handover->upgrades : 0, fixed.pid_file);
    Control control(parent, upgrade, handover ? handover->control : Handover::File{});
    return parent.run(ready);
}

/// For the program that tries this one out: whatever could fail later fails here.
int try_out(const Start& parts, KeptState& kept, Confinement& confinement, base::SignalInbox& signals) {
    static_cast<void>(control_settings(parts.config));
    Parent parent({parts.config, parts.load, &*parts.handover, confinement, nullptr, true}, kept, signals);
    return parts.candidate->run(parent);
}

int serve(const Start& parts, KeptState& kept, Confinement& confinement, const Fixed& fixed,
          const std::function<void()>& ready) {
    const conf::Config& config = parts.config;
    base::SignalInbox signals;
    base::unblock_all();
    base::set_process_title(config.name, parts.candidate ? "candidate" : "");
    if (parts.candidate) return try_out(parts, kept, confinement, signals);
    confinement.log_level();
    base::log::write(base::msg::server_side, "server side: {}", kept.server_side());
    kept.log_ceilings(config);
    warn_of_root(config);
    return config.singleproc ? single_main(config, kept, signals, ready)
                             : supervise(parts, kept, confinement, signals, fixed, ready);
}

void log_handover(const Handover& handover, bool candidate) {
    base::log::set_level(static_cast<base::LogLevel>(handover.log_level));
    if (candidate) return;
    base::log::write(base::msg::upgraded, "upgraded from proxyd {} to {}; {}", handover.version,
                     PROXYD_VERSION,
                     handover.arena ? "sessions and sockets kept" : "listeners kept, sessions closed");
}

int run(const Start& parts, Log& log) {
    // All errors of the configuration are reported before the terminal is gone (O-14).
    const conf::Config& config = parts.config;
    const std::optional<base::User> user = checked_user(config);
    // Before the sandbox, which needs the directories.
    if (!parts.handover) make_run_directories(config, user);
    KeptState kept = make_kept_state(parts);
    if (config.singleproc) open_single_log(config, user);
    // After an upgrade the process is a daemon already.
    const bool stays = config.nodaemon || parts.handover;
    process::Daemon daemon = stays ? process::Daemon() : process::Daemon::detach();
    // LOG must be in the sandbox too, or this process could not end it.
    Confinement& confinement = log.confinement.emplace(config);
    // Log lines carry the daemon's pid from now on.
    config.singleproc ? base::log::become("", false) : open_log(parts, user, log);
    const std::unique_ptr<process::PidFile> pid_file = make_pid_file(parts);
    if (parts.handover) log_handover(*parts.handover, parts.candidate.has_value());
    for (const std::string& warning : parts.warnings)
        base::log::write(base::msg::conf_warning, "{}", warning);
    const Fixed fixed{pid_file ? pid_file->descriptor() : -1, log.process.get()};
    return serve(parts, kept, confinement, fixed, [&daemon] { daemon.report_ready(); });
}

int report_failure(const Start& parts, const std::string& reason) {
    base::log::write(base::msg::start_failed, "cannot start: {}", reason);
    if (!base::log::is_on_standard_error())
        std::fprintf(stderr, "proxyd: cannot start: %s\n", reason.c_str());
    if (parts.candidate) parts.candidate->say_failed(reason);
    return 1;
}

/// Returns the exit status: 1 if the log does not have all lines since the stop, records for example.
int finish_log(process::LogProcess& log, int status) {
    const std::string failure = log.finish(process::LogProcess::finish_limit);
    if (failure.empty()) return status;
    std::fprintf(stderr, "proxyd: the log is not complete: %s\n", failure.c_str());
    return status == 0 ? 1 : status;
}

/// The caller may have left any descriptor open, a lock for example, which proxyd would hold for its
/// lifetime.
void close_inherited_descriptors(const Start& parts) {
    std::vector<int> keep{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    if (parts.handover) {
        const std::vector<int> left = parts.handover->descriptors();
        keep.insert(keep.end(), left.begin(), left.end());
    }
    if (parts.candidate) keep.push_back(parts.candidate->descriptor());
    process::close_all_but(std::move(keep));
}

}  // namespace

int start(const Start& parts) {
    // Signals that arrive before the loop runs wait for it: none is lost, none interrupts the start (O-6).
    base::block_all();
    // When glibc returns memory of another arena than the first, it opens a file in /proc, which the sandbox
    // forbids the children. The warm path does not allocate, so one suffices.
    ::mallopt(M_ARENA_MAX, 1);
    int status = 1;
    Log log;
    try {
        close_inherited_descriptors(parts);
        status = run(parts, log);
    } catch (const std::exception& error) {
        status = report_failure(parts, process::reason_of(error));
    }
    base::log::flush_and_close();
    return log.process ? finish_log(*log.process, status) : status;
}

}  // namespace proxyd
