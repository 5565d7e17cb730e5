#include "proxyd/processes.hpp"

#include "proxyd/name_queries.hpp"
#include "resolvers/ares_resolver.hpp"
#include "resolvers/confirming_resolver.hpp"
#include "resolvers/resolver_service.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

int apr_main(process::ChildRuntime& runtime, const Opened& opened) {
    const conf::Resolver& settings = opened.resolver;
    resolvers::log_name_servers(settings);
    resolvers::AresResolver resolver(runtime.io(), settings, resolvers::options_for_lookups);
    resolvers::ConfirmingResolver confirming(runtime.io(), resolver, settings.timeout);
    resolvers::ResolverService service(runtime.io(), confirming);
    runtime.on_peer(ipc::Party::reg, [&](base::UniqueFd link) { service.link(std::move(link)); });
    Queries queries(runtime);
    queries.add_info([&](const Queries::InfoReply& reply) {
        reply({service.info(), "look-ups: " + resolver.info()});
    });
    add_resolve(queries, confirming);
    add_name_servers(queries, settings);
    runtime.report_ready();
    return runtime.run();
}

}  // namespace proxyd
