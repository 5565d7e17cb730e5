#include "proxyd/lookup_service.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "conf/names.hpp"
#include "proxyd/proxies/registry.hpp"
#include "resolvers/resolve_once.hpp"

namespace proxyd {

bool needs_lookups(const conf::Config& config) {
    return config.log.names || conf::has_patterns(config) || proxies::looks_up(config.proxy);
}

session::LookupSource look_up_in(boost::asio::io_context& io, resolvers::Resolver& resolver) {
    return [&io, &resolver](base::Lookup lookup, base::LookupCallback callback) {
        boost::asio::post(io, [&resolver, lookup = std::move(lookup), callback = std::move(callback)] {
            resolver.ask(lookup, callback);
        });
    };
}

session::LookupSource blocking_look_up(resolvers::Settings settings) {
    // Each question gets a resolver of its own, which would log the same faults of the hosts file again.
    settings.hosts_file_told = true;
    return
        [settings = std::move(settings)](const base::Lookup& lookup, const base::LookupCallback& callback) {
            callback(resolvers::ask_once(settings, lookup));
        };
}

}  // namespace proxyd
