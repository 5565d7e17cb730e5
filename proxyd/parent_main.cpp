#include "proxyd/parent_main.hpp"

#include <exception>

#include "base/log.hpp"
#include "libudpserver/process/run_once.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/control.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/reloader.hpp"
#include "proxyd/roles.hpp"
#include "proxyd/upgrade.hpp"

namespace proxyd {

namespace {

constexpr base::Duration report_patience{5'000};

/// Whether the last REG has closed and reported its sessions itself; one that was to leave them has not.
bool ended_well(const process::Child& reg) {
    const std::optional<process::ExitStatus>& last = reg.status().last_exit;
    return last && last->wait_status == 0 && !reg.status().left;
}

/// The parent never looks into the arena (DESIGN §2.4): a process of its own does, for the last time. That it
/// fails changes nothing about how the proxy ended.
void report_left_sessions(const process::Role& role, const process::Settings& settings) {
    std::string why;
    try {
        const process::ExitStatus status = process::run_once(role, settings, report_patience);
        if (status.wait_status == 0) return;
        why = process::to_string(status);
    } catch (const std::exception& error) {
        why = error.what();
    }
    base::log::write(base::msg::report_failed, "REG: could not report the sessions that were cut off: {}",
                     why);
}

}  // namespace

int parent_main(const ParentParts& parts, Resources& resources, base::SignalInbox& signals) {
    boost::asio::io_context io;
    const conf::Config& config = parts.config;
    const Handover* const handover = parts.handover;
    const process::Settings settings = settings_for(config);
    process::Supervisor supervisor(io, settings, signals);
    Roles roles(supervisor, resources, std::make_shared<const conf::Config>(config));
    Reloader reloader(supervisor, roles, resources, parts.load);
    const auto report_left = [&] {
        if (!ended_well(*supervisor.find(ipc::Party::reg))) report_left_sessions(roles.report(), settings);
    };
    Upgrade upgrade(
        {io, supervisor, reloader, resources, parts.program, handover ? handover->upgrades : 0, report_left});
    serve_pool(supervisor, resources.pool);
    control::ControlSocket::Made made;
    if (handover)
        made = {base::UniqueFd(handover->control.descriptor), handover->control.device,
                handover->control.inode};
    Control control(io, {supervisor, resources, reloader, upgrade, parts.pid_file}, std::move(made));
    supervisor.on_all_ready([&] {
        resources.log_listeners();
        parts.ready();
    });
    supervisor.start(handover ? std::optional(handover->started) : std::nullopt);
    control.start();
    io.run();
    report_left();
    return supervisor.exit_status().value_or(1);
}

}  // namespace proxyd
