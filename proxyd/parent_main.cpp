#include "proxyd/parent_main.hpp"

#include "libudpserver/base/log.hpp"
#include "libudpserver/process/run_once.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/reg_main.hpp"

namespace proxyd {

namespace {

/// Whether the last REG has closed and reported its sessions itself.
bool ended_well(const process::Child& reg) {
    const std::optional<process::ExitStatus>& last = reg.status().last_exit;
    return last && last->wait_status == 0;
}

/// The parent never looks into the arena (DESIGN §2.4): a process of its own does, for the last time.
void report_left_sessions(const conf::Config& config, Resources& resources,
                          const process::Settings& settings) {
    const process::Role role{
        .name = "REG",
        .party = ipc::Party::reg,
        .speed = process::forwarding_speed,
        .run = [&](process::ChildRuntime& runtime) { return report_main(runtime, config, resources); },
        .keep = [&] { return resources.descriptors(); }};
    const process::ExitStatus status = process::run_once(role, settings, settings.stop_timeout);
    if (status.wait_status == 0) return;
    base::log::write(base::msg::child_died, "REG: could not report the sessions that were cut off: {}",
                     process::to_string(status));
}

}  // namespace

int parent_main(const conf::Config& config, Resources& resources, base::SignalInbox& signals, bool foreground,
                const std::function<void()>& ready) {
    boost::asio::io_context io;
    process::Settings settings = process::Settings::from(config);
    settings.foreground = foreground;
    process::Supervisor supervisor(io, settings, signals);
    supervisor.add_role(
        {.name = "REG",
         .party = ipc::Party::reg,
         .speed = process::forwarding_speed,
         .run = [&](process::ChildRuntime& runtime) { return reg_main(runtime, config, resources); },
         .keep = [&] { return resources.descriptors(); }});
    serve_pool(supervisor, resources.pool);
    supervisor.on_all_ready([&] {
        resources.log_listeners();
        ready();
    });
    supervisor.start();
    io.run();
    if (!ended_well(*supervisor.find(ipc::Party::reg))) report_left_sessions(config, resources, settings);
    return supervisor.exit_status().value_or(1);
}

}  // namespace proxyd
