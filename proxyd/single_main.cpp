#include "proxyd/processes.hpp"

#include <unistd.h>

#include "base/log.hpp"
#include "base/privileges.hpp"
#include "base/text.hpp"
#include "conf/names.hpp"
#include "libudpserver/process/signal_source.hpp"
#include "proxyd/housekeeping.hpp"
#include "proxyd/lookup_service.hpp"
#include "proxyd/notifier.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/status_file.hpp"
#include "resolvers/resolve_once.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

namespace {

/// Before the server has started there are no workers to ask.
void log_status(session::Server& server, base::Instant started, bool serving) {
    const auto age = std::chrono::floor<std::chrono::seconds>(base::MonotonicClock::now() - started);
    base::log::write(base::msg::info, "one process up pid {} for {}, log level {}", ::getpid(),
                     base::format_duration(age), static_cast<int>(base::log::level()));
    if (serving) log_info(server);
}

void act_on(const base::TakenSignals& signals, session::Server& server, StatusFile& status_file,
            base::Instant started, bool serving, boost::asio::io_context& io) {
    for (int steps = signals.level_steps(); steps > 0; --steps)
        base::log::raise_level();
    for (int steps = signals.level_steps(); steps < 0; ++steps)
        base::log::lower_level();
    if (signals.reopen > 0) base::log::reopen();
    if (signals.info > 0) {
        log_status(server, started, serving);
        status_file.write();
    }
    if (signals.end == 0) return;
    base::log::write(base::msg::proxy_stopping, "{}: shutting down, closing all sessions",
                     base::signal_name(signals.end));
    if (serving) server.close_all(session::CloseReason::process_end);
    io.stop();
}

/// Resolves the configured names once (K-10). Signals are handled meanwhile; a shutdown interrupts it.
void resolve_names(const conf::Config& config, session::Server& server, boost::asio::io_context& io) {
    const std::vector<std::string> names = conf::names(config);
    if (names.empty() && !needs_lookups(config)) return;
    const conf::Resolver settings = names.empty() ? resolvers::settings_for_lookups(config.resolver)
                                                  : resolvers::settings_for_configuration(config.resolver);
    resolvers::log_name_servers(settings);
    ServerNames sink(server, resolvers::settings_for_configuration(config.resolver));
    const auto keep_going = [&io] {
        io.poll();
        return !io.stopped();
    };
    for (const ipc::NameUpdate& update : resolvers::resolve_once(names, settings, keep_going))
        sink.update(update);
}

}  // namespace

int single_main(const conf::Config& config, KeptState& kept, base::SignalInbox& signals,
                const std::function<void()>& ready) {
    boost::asio::io_context io;
    LocalSocketSource source(io, kept.sockets.pool);
    const auto network = kept.follow_addresses(io);
    if (!config.user.empty()) base::drop_privileges(base::find_user(config.user));
    const session::LookupSource look_up = blocking_look_up(resolvers::settings_for_lookups(config.resolver));
    session::Server server(io, kept.server_parts(config, source, look_up));
    source.deliver_to(server);
    LocalStatusTarget status_target(config.status_file.path);
    StatusFile status_file(io, server, config, status_target);
    process::SignalSource incoming(io, signals);
    Notifier notifier(io);
    const base::Instant started = base::MonotonicClock::now();
    bool serving = false;
    incoming.start(
        [&](const base::TakenSignals& taken) { act_on(taken, server, status_file, started, serving, io); });
    base::log::write(base::msg::single_process,
                     "running as a single process, without supervision or recovery: for debugging only");
    resolve_names(config, server, io);
    if (!io.stopped()) {
        server.start(false);
        serving = true;
        Housekeeping housekeeping(io, server);
        status_file.start();
        kept.log_listeners();
        ready();
        notifier.start([] { return "ready, as a single process"; });
        notifier.ready();
        io.run();
    }
    notifier.stopping();
    base::log::write(base::msg::proxy_stopped, "exit status 0");
    return 0;
}

}  // namespace proxyd
