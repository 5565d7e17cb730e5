#include "proxyd/reg_main.hpp"

#include "base/log.hpp"
#include "proxyd/drain.hpp"
#include "proxyd/housekeeping.hpp"
#include "proxyd/lookup_service.hpp"
#include "proxyd/pool_service.hpp"
#include "proxyd/reg_queries.hpp"
#include "proxyd/status_file.hpp"
#include "resolvers/ipc_resolver.hpp"
#include "resolvers/name_subscriber.hpp"

namespace proxyd {

int reg_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources) {
    LinkSocketSource source(runtime);
    resolvers::IpcResolver resolver(runtime.io(), config.resolver.timeout);
    AskingLookups lookups(runtime.io(), resolver);
    session::Server server(runtime.io(), resources.server_parts(config, source, &lookups));
    source.deliver_to(server);
    ServerNames names(server);
    resolvers::NameSubscriber subscriber(runtime.io(), names);
    runtime.on_peer(ipc::Party::acr, [&](base::UniqueFd link) { subscriber.link(std::move(link)); });
    runtime.on_peer(ipc::Party::apr, [&](base::UniqueFd link) { resolver.link(std::move(link)); });
    subscriber.on_lost([&] { runtime.report_lost(ipc::Party::acr); });
    resolver.on_lost([&] { runtime.report_lost(ipc::Party::apr); });
    runtime.on_stop([&] {
        server.close_all(session::CloseReason::process_end);
        runtime.finish(0);
    });
    // Ended alone: the sessions stay where they are, the next REG adopts them (K-22).
    runtime.on_end_signal([&] {
        server.leave();
        runtime.finish(0);
    });
    runtime.on_ping([&](process::ChildRuntime::Reply reply) { server.ping(std::move(reply)); });
    StatusFile status_file(runtime.io(), server, config);
    Queries queries(runtime);
    queries.add_info(
        [&] {
            std::vector<std::string> lines = server.info();
            if (needs_lookups(config)) lines.push_back(resolver.info());
            return lines;
        },
        [&] { status_file.write(); });
    RegQueries reg_queries(server, config);
    reg_queries.add_to(queries);

    const session::Adoption adoption = server.start(runtime.fresh_start());
    if (adoption.adopted + adoption.aborted + adoption.ended > 0) {
        base::log::write(base::msg::adopted,
                         "{} sessions taken over, {} could not be, {} ended by the policy", adoption.adopted,
                         adoption.aborted, adoption.ended);
    }
    Housekeeping housekeeping(runtime.io(), server);
    status_file.start();
    Drain drain(runtime, server, resources.draining);
    runtime.report_ready(adoption.adopted, adoption.aborted);
    return runtime.run();
}

int report_main(process::ChildRuntime& runtime, const conf::Config& config, Resources& resources) {
    LinkSocketSource source(runtime);
    session::Server server(runtime.io(), resources.server_parts(config, source, nullptr));
    server.report_left();
    return 0;
}

}  // namespace proxyd
