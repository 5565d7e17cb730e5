#include "proxyd/acr_main.hpp"

#include "conf/names.hpp"
#include "proxyd/name_queries.hpp"
#include "resolvers/ares_resolver.hpp"
#include "resolvers/config_resolver.hpp"
#include "resolvers/name_publisher.hpp"
#include "resolvers/owed_news.hpp"
#include "resolvers/settings_from_conf.hpp"

namespace proxyd {

namespace {

/// Both who use the names and who remembers them for the next ACR.
class AllWhoAreTold : public resolvers::NameSink {
public:
    explicit AllWhoAreTold(process::ChildRuntime& runtime)
        : reg(runtime.io()), parent_(runtime.io(), [&runtime](const ipc::NameNews& news) {
              return runtime.parent().send(news);
          }) {}

    void tell(const ipc::NameNews& news) override {
        reg.tell(news);
        if (!news.unresolved) parent_.add(news);
    }

    resolvers::NamePublisher reg;

private:
    resolvers::OwedNews parent_;
};

}  // namespace

int acr_main(process::ChildRuntime& runtime, const conf::Config& config, resolvers::KnownNames known) {
    const resolvers::Settings settings = resolvers::settings_for_configuration(config.resolver);
    resolvers::log_name_servers(settings);
    resolvers::AresResolver resolver(runtime.io(), settings);
    known.forget_private(settings);
    AllWhoAreTold told(runtime);
    resolvers::ConfigResolver names(runtime.io(), conf::names(config), resolver, told,
                                    config.resolver.stale_max, known);
    runtime.on_peer(ipc::Party::reg, [&](base::UniqueFd link) { told.reg.link(std::move(link)); });
    Queries queries(runtime);
    queries.add_info([&] {
        std::vector<std::string> lines = names.info();
        lines.push_back(told.reg.info());
        lines.push_back("look-ups: " + resolver.info());
        return lines;
    });
    add_names(queries, names);
    add_resolve(queries, resolver);
    names.start();
    runtime.report_ready();
    return runtime.run();
}

}  // namespace proxyd
