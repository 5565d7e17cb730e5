#include "proxyd/start.hpp"

#include <unistd.h>

#include <cstdio>
#include <exception>

#include "libudpserver/base/log.hpp"
#include "libudpserver/base/privileges.hpp"
#include "libudpserver/base/process_title.hpp"
#include "libudpserver/base/signals.hpp"
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

int serve(const conf::Config& config, const Load& load, Resources& resources,
          const std::function<void()>& ready) {
    base::SignalInbox signals;
    base::unblock_all();
    base::set_process_title(config.name, "");
    resources.warn_if_short(config);
    warn_of_root(config);
    if (config.singleproc) return single_main(config, resources, signals, ready);
    return parent_main(config, load, resources, signals, ready);
}

int run(const conf::Config& config, const std::vector<std::string>& warnings, const Load& load) {
    // Everything that can be wrong is found while there is still a terminal to say it on (O-14).
    const int owner = log_owner(config);
    Resources resources(config);
    base::log::open(config.log, config.name, config.nodaemon, owner);
    process::Daemon daemon = config.nodaemon ? process::Daemon() : process::Daemon::detach();
    if (!config.nodaemon) base::log::become("", false);  // its lines carry the daemon's pid from now on
    std::optional<process::PidFile> pid_file;
    if (!config.pid_file.empty()) pid_file.emplace(config.pid_file);
    for (const std::string& warning : warnings)
        base::log::write(base::msg::conf_warning, "{}", warning);
    return serve(config, load, resources, [&daemon] { daemon.report_ready(); });
}

}  // namespace

int start(const conf::Config& config, const std::vector<std::string>& warnings, const Load& load) {
    // Signals that come before there is a loop wait for it: none is lost, none ends a half-made proxy (O-6).
    base::block_all();
    int status = 1;
    try {
        status = run(config, warnings, load);
    } catch (const std::exception& error) {
        base::log::write(base::msg::start_failed, "cannot start: {}", error.what());
        if (base::log::descriptor() != STDERR_FILENO)
            std::fprintf(stderr, "proxyd: cannot start: %s\n", error.what());
    }
    base::log::flush_and_close();
    return status;
}

}  // namespace proxyd
