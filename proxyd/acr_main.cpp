#include "proxyd/processes.hpp"

#include <utility>

#include "proxyd/name_queries.hpp"
#include "proxyd/network_watch.hpp"
#include "resolvers/ares_resolver.hpp"
#include "resolvers/config_resolver.hpp"
#include "resolvers/name_publisher.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

int acr_main(process::ChildRuntime& runtime, const conf::Config& config, resolvers::NameSnapshot snapshot,
             Opened& opened) {
    const conf::Resolver& settings = opened.resolver;
    resolvers::log_name_servers(settings);
    snapshot.forget_private(settings);
    resolvers::AresResolver resolver(runtime.io(), settings, resolvers::options_for_configuration);
    resolvers::ConfiguredNames names(snapshot, config.resolver.stale_max, base::MonotonicClock::now(),
                                     {.negative_grace = config.resolver.negative_grace});
    resolvers::NamePublisher publisher(runtime.io(), names, runtime.parent());
    resolvers::ConfigResolver config_resolver(runtime.io(), names, resolver, publisher);
    runtime.on_peer(ipc::Party::reg, [&](base::UniqueFd link) { publisher.link(std::move(link)); });
    const NetworkWatch network(runtime.io(), std::move(*opened.changes),
                               [&] { config_resolver.retry_failing(); });
    Queries queries(runtime);
    queries.add_info([&](const Queries::InfoReply& reply) {
        std::vector<std::string> lines = names.info(base::MonotonicClock::now());
        lines.push_back(publisher.info());
        lines.push_back("look-ups: " + resolver.info());
        reply(lines);
    });
    add_names(queries, names, config_resolver);
    add_resolve(queries, resolver);
    add_name_servers(queries, settings);
    // First: with many names the updates fill the link's queue, and there would be no room for this message.
    runtime.report_ready();
    config_resolver.start();
    return runtime.run();
}

}  // namespace proxyd
