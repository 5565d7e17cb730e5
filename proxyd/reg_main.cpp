#include "proxyd/processes.hpp"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "base/log.hpp"
#include "libudpserver/ipc/messages.hpp"
#include "libudpserver/process/exit_status.hpp"
#include "proxyd/commands/reg_queries.hpp"
#include "proxyd/commands/unreachable_query.hpp"
#include "proxyd/housekeeping.hpp"
#include "proxyd/lookup_service.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/status_file.hpp"
#include "resolvers/ipc_resolver.hpp"
#include "resolvers/name_subscriber.hpp"

namespace proxyd {

namespace {

constexpr base::Duration drain_check_interval{100};

/// The graceful shutdown in REG: when the parent asks for it, no session opens any more; REG reports when the
/// last one has closed.
class Drain {
public:
    Drain(process::ChildRuntime& runtime, session::Server& server)
        : runtime_(runtime), server_(server), timer_(runtime.io()) {
        runtime_.on(ipc::MessageType::drain, [this](ipc::Message& message) {
            if (!ipc::read<ipc::Drain>(message)) return runtime_.parent().refuse("malformed drain");
            begin();
        });
    }

    void begin() {
        server_.drain();
        check();
    }

private:
    void check() {
        timer_.expires_after(drain_check_interval);
        timer_.async_wait([this](boost::system::error_code error) {
            if (error) return;
            if (server_.statistics().sum(&session::Totals::open) > 0) return check();
            runtime_.parent().send(ipc::Drained{});
        });
    }

    process::ChildRuntime& runtime_;
    session::Server& server_;
    boost::asio::steady_timer timer_;
};

/// Adopts the sessions of the last REG and starts the workers.
session::Adoption start(process::ChildRuntime& runtime, session::Server& server, base::UniqueFd network) {
    const session::Adoption adoption = server.start(runtime.fresh_start(), std::move(network));
    if (adoption.adopted + adoption.aborted + adoption.ended > 0)
        base::log::write(base::msg::adopted, "{} sessions adopted, {} aborted, {} closed by the policy",
                         adoption.adopted, adoption.aborted, adoption.ended);
    return adoption;
}

}  // namespace

int reg_main(process::ChildRuntime& runtime, const conf::Config& config, KeptState& kept,
             const resolvers::NameSnapshot& snapshot, Opened& opened, const RegOptions& options) {
    LinkSocketSource source(runtime);
    resolvers::IpcResolver resolver(runtime.io(), config.resolver.timeout);
    session::Server server(runtime.io(),
                           kept.server_parts(config, source, look_up_in(runtime.io(), resolver)));
    source.deliver_to(server);
    ServerNames names(server, opened.resolver);
    for (const auto& [name, addresses] : snapshot.resolved())
        names.update({name, false, addresses});
    resolvers::NameSubscriber subscriber(runtime.io(), names);
    runtime.on_peer(ipc::Party::acr, [&](base::UniqueFd link) { subscriber.link(std::move(link)); });
    runtime.on_peer(ipc::Party::apr, [&](base::UniqueFd link) { resolver.link(std::move(link)); });
    subscriber.on_lost([&] { runtime.report_lost(ipc::Party::acr); });
    resolver.on_lost([&] { runtime.report_lost(ipc::Party::apr); });
    runtime.on_stop([&] {
        server.close_all(session::CloseReason::process_end);
        runtime.finish(0);
    });
    // Only REG exits: the sessions stay where they are, and the next REG adopts them (K-22).
    runtime.on_leave([&] {
        server.leave();
        runtime.finish(process::work_left);
    });
    runtime.on_ping(
        [&](process::ChildRuntime::Reply reply) { server.for_all_workers([](auto&&...) {}, reply); });
    const auto status_target = make_status_target(runtime.io(), options.status_sender);
    StatusFile status_file(runtime.io(), server, config, *status_target);
    Queries queries(runtime);
    queries.add_info(
        [&](const Queries::InfoReply& reply) {
            server.info([&, reply](std::vector<std::string> lines) {
                if (needs_lookups(config)) lines.push_back(resolver.info());
                reply(lines);
            });
        },
        [&] { status_file.write(); });
    RegQueries reg_queries(server, config);
    reg_queries.add_to(queries);
    add_unreachable(queries, server);

    const session::Adoption adoption = start(runtime, server, std::move(opened.network));
    Housekeeping housekeeping(runtime.io(), server);
    status_file.start();
    Drain drain(runtime, server);
    if (options.draining) drain.begin();
    runtime.report_ready(adoption.adopted, adoption.aborted);
    return runtime.run();
}

int report_main(process::ChildRuntime& runtime, const conf::Config& config, KeptState& kept) {
    LinkSocketSource source(runtime);
    session::Server server(runtime.io(), kept.server_parts(config, source, {}));
    server.report_left();
    return 0;
}

}  // namespace proxyd
