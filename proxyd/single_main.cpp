#include "proxyd/single_main.hpp"

#include "libudpserver/base/log.hpp"
#include "libudpserver/base/privileges.hpp"
#include "libudpserver/process/signal_source.hpp"
#include "proxyd/housekeeping.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/proxies/registry.hpp"

namespace proxyd {

namespace {

void act_on(const base::TakenSignals& signals, session::Server& server, boost::asio::io_context& io) {
    for (int steps = signals.level_steps(); steps > 0; --steps)
        base::log::raise_level();
    for (int steps = signals.level_steps(); steps < 0; ++steps)
        base::log::lower_level();
    if (signals.reopen > 0) base::log::reopen();
    if (signals.info > 0) log_info(server);
    if (signals.end == 0) return;
    base::log::write(base::msg::proxy_stopping, "{}: the proxy ends, all sessions are closed",
                     base::signal_name(signals.end));
    server.close_all(session::CloseReason::process_end);
    io.stop();
}

}  // namespace

int single_main(const conf::Config& config, Resources& resources, base::SignalInbox& signals,
                const std::function<void()>& ready) {
    boost::asio::io_context io;
    LocalSocketSource source(io, resources.pool);
    if (!config.user.empty()) base::drop_privileges(base::find_user(config.user));
    session::Server server(io, {.config = config,
                                .listeners = resources.listeners,
                                .pool = resources.pool,
                                .arena = resources.arena,
                                .make_proxy = proxies::make,
                                .source = source});
    source.deliver_to(server);
    process::SignalSource incoming(io, signals);
    incoming.start([&](const base::TakenSignals& taken) { act_on(taken, server, io); });
    base::log::write(base::msg::single_process,
                     "one single process: no supervision, no recovery: for debugging only");
    server.start(false);
    Housekeeping housekeeping(io, server);
    base::log::write(base::msg::proxy_started, "serving");
    ready();
    io.run();
    base::log::write(base::msg::proxy_stopped, "exit status 0");
    return 0;
}

}  // namespace proxyd
