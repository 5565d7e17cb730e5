#include "proxyd/start.hpp"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>

#include "base/log.hpp"
#include "base/privileges.hpp"
#include "base/process_title.hpp"
#include "base/signals.hpp"
#include "libudpserver/process/daemonise.hpp"
#include "libudpserver/process/pid_file.hpp"
#include "proxyd/parent_main.hpp"
#include "proxyd/single_main.hpp"

namespace proxyd {

namespace {

/// The uid that the log file is made for. A user that the children cannot become is refused here, once and on
/// the terminal; each child would die of it.
int log_owner(const conf::Config& config) {
    if (config.user.empty()) return -1;
    const base::User user = base::find_user(config.user);
    base::check_can_become(user);
    return static_cast<int>(user.uid);
}

void warn_of_root(const conf::Config& config) {
    if (::geteuid() != 0 || !config.user.empty()) return;
    base::log::write(base::msg::running_as_root, "no user is configured: {}",
                     config.singleproc ? "the proxy stays root" : "the children stay root");
}

Resources make_resources(const Start& parts) {
    return parts.handover ? Resources(parts.config, *parts.handover) : Resources(parts.config);
}

/// None when that is not configured.
std::unique_ptr<process::PidFile> make_pid_file(const Start& parts) {
    const std::string& path = parts.config.pid_file;
    if (path.empty()) return nullptr;
    if (!parts.handover || parts.handover->pid_file.descriptor < 0)
        return std::make_unique<process::PidFile>(path);
    return std::make_unique<process::PidFile>(path, base::UniqueFd(parts.handover->pid_file.descriptor));
}

int serve(const Start& parts, Resources& resources, int pid_file, const std::function<void()>& ready) {
    const conf::Config& config = parts.config;
    base::SignalInbox signals;
    base::unblock_all();
    base::set_process_title(config.name, "");
    resources.warn_if_short(config);
    warn_of_root(config);
    if (config.singleproc) return single_main(config, resources, signals, ready);
    const Handover* const handover = parts.handover ? &*parts.handover : nullptr;
    return parent_main({config, parts.load, parts.program, handover, pid_file, ready}, resources, signals);
}

/// Which log lines come from which program.
void log_handover(const Handover& handover) {
    base::log::set_level(static_cast<base::LogLevel>(handover.log_level));
    base::log::write(
        base::msg::upgraded, "this is proxyd {}, it was {}; {}", PROXYD_VERSION, handover.version,
        handover.arena ? "sessions and sockets stay" : "the listeners stay, the sessions have ended");
}

int run(const Start& parts) {
    // Everything that can be wrong is found while there is still a terminal to say it on (O-14).
    const conf::Config& config = parts.config;
    const int owner = log_owner(config);
    Resources resources = make_resources(parts);
    base::log::open(config.log, config.name, config.nodaemon, owner);
    // A process that becomes another program has let go of the terminal before.
    const bool stays = config.nodaemon || parts.handover;
    process::Daemon daemon = stays ? process::Daemon() : process::Daemon::detach();
    if (!config.nodaemon) base::log::become("", false);  // its lines carry the daemon's pid from now on
    const std::unique_ptr<process::PidFile> pid_file = make_pid_file(parts);
    if (parts.handover) log_handover(*parts.handover);
    for (const std::string& warning : parts.warnings)
        base::log::write(base::msg::conf_warning, "{}", warning);
    return serve(parts, resources, pid_file ? pid_file->descriptor() : -1,
                 [&daemon] { daemon.report_ready(); });
}

}  // namespace

int start(const Start& parts) {
    // Signals that come before there is a loop wait for it: none is lost, none ends a half-made proxy (O-6).
    base::block_all();
    int status = 1;
    try {
        status = run(parts);
    } catch (const std::exception& error) {
        base::log::write(base::msg::start_failed, "cannot start: {}", error.what());
        if (base::log::descriptor() != STDERR_FILENO)
            std::fprintf(stderr, "proxyd: cannot start: %s\n", error.what());
    }
    base::log::flush_and_close();
    return status;
}

}  // namespace proxyd
