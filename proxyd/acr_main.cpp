#include "proxyd/acr_main.hpp"

#include "conf/names.hpp"
#include "proxyd/name_queries.hpp"
#include "resolvers/ares_resolver.hpp"
#include "resolvers/config_resolver.hpp"
#include "resolvers/name_publisher.hpp"
#include "resolvers/settings_from_conf.hpp"

namespace proxyd {

int acr_main(process::ChildRuntime& runtime, const conf::Config& config) {
    const resolvers::Settings settings = resolvers::settings_for_configuration(config.resolver);
    resolvers::log_name_servers(settings);
    resolvers::AresResolver resolver(runtime.io(), settings);
    resolvers::NamePublisher publisher(runtime.io());
    resolvers::ConfigResolver names(runtime.io(), conf::names(config), resolver, publisher,
                                    config.resolver.stale_max);
    runtime.on_peer(ipc::Party::reg, [&](base::UniqueFd link) { publisher.link(std::move(link)); });
    Queries queries(runtime);
    queries.add_info([&] {
        std::vector<std::string> lines = names.info();
        lines.push_back(publisher.info());
        lines.push_back("look-ups: " + resolver.info());
        return lines;
    });
    queries.add("names",
                [&](const control::Request& request, std::uint64_t cursor, const Queries::Reply& reply) {
                    request.allow({});
                    Lines lines(cursor);
                    for (const resolvers::NameFacts& name : names.facts())
                        lines.add(row_of(name));
                    reply(lines.result());
                });
    add_resolve(queries, resolver);
    names.start();
    runtime.report_ready();
    return runtime.run();
}

}  // namespace proxyd
