#include "proxyd/single_main.hpp"

#include <unistd.h>

#include "libudpserver/base/log.hpp"
#include "libudpserver/base/privileges.hpp"
#include "libudpserver/base/text.hpp"
#include "libudpserver/process/signal_source.hpp"
#include "proxyd/housekeeping.hpp"
#include "proxyd/pool_service.hpp"

namespace proxyd {

namespace {

void inform(const session::Server& server, base::Instant started) {
    const auto age = std::chrono::floor<std::chrono::seconds>(base::MonotonicClock::now() - started);
    base::log::write(base::msg::info, "one process up pid {} for {}, log level {}", ::getpid(),
                     base::format_duration(age), static_cast<int>(base::log::level()));
    log_info(server);
}

void act_on(const base::TakenSignals& signals, session::Server& server, base::Instant started,
            boost::asio::io_context& io) {
    for (int steps = signals.level_steps(); steps > 0; --steps)
        base::log::raise_level();
    for (int steps = signals.level_steps(); steps < 0; ++steps)
        base::log::lower_level();
    if (signals.reopen > 0) base::log::reopen();
    if (signals.info > 0) inform(server, started);
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
    session::Server server(io, resources.server_parts(config, source));
    source.deliver_to(server);
    process::SignalSource incoming(io, signals);
    const base::Instant started = base::MonotonicClock::now();
    incoming.start([&](const base::TakenSignals& taken) { act_on(taken, server, started, io); });
    base::log::write(base::msg::single_process,
                     "one single process: no supervision, no recovery: for debugging only");
    server.start(false);
    Housekeeping housekeeping(io, server);
    resources.log_listeners();
    ready();
    io.run();
    base::log::write(base::msg::proxy_stopped, "exit status 0");
    return 0;
}

}  // namespace proxyd
