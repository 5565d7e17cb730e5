#include "proxyd/parent_main.hpp"

#include <exception>

#include "libudpserver/base/log.hpp"
#include "libudpserver/process/run_once.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/reg_main.hpp"

namespace proxyd {

namespace {

constexpr base::Duration report_patience{5'000};

/// Whether the last REG has closed and reported its sessions itself.
bool ended_well(const process::Child& reg) {
    const std::optional<process::ExitStatus>& last = reg.status().last_exit;
    return last && last->wait_status == 0;
}

/// A process of REG's kind: `work` is reg_main or report_main.
process::Role reg_role(const conf::Config& config, Resources& resources, decltype(&reg_main) work) {
    return {.name = "REG",
            .party = ipc::Party::reg,
            .speed = process::forwarding_speed,
            .run = [&config, &resources,
                    work](process::ChildRuntime& runtime) { return work(runtime, config, resources); },
            .keep = [&resources] { return resources.descriptors(); }};
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

int parent_main(const conf::Config& config, Resources& resources, base::SignalInbox& signals, bool foreground,
                const std::function<void()>& ready) {
    boost::asio::io_context io;
    process::Settings settings = process::Settings::from(config);
    settings.foreground = foreground;
    process::Supervisor supervisor(io, settings, signals);
    supervisor.add_role(reg_role(config, resources, reg_main));
    serve_pool(supervisor, resources.pool);
    supervisor.on_all_ready([&] {
        resources.log_listeners();
        ready();
    });
    supervisor.start();
    io.run();
    if (!ended_well(*supervisor.find(ipc::Party::reg)))
        report_left_sessions(reg_role(config, resources, report_main), settings);
    return supervisor.exit_status().value_or(1);
}

}  // namespace proxyd
