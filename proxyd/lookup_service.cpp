#include "proxyd/lookup_service.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.hpp"
#include "conf/names.hpp"
#include "proxyd/proxies/registry.hpp"
#include "resolvers/resolve_once.hpp"
#include "resolvers/settings.hpp"

namespace proxyd {

bool needs_lookups(const conf::Config& config) {
    return config.log.names || conf::has_patterns(config) || proxies::looks_up(config.proxy);
}

ServerNames::ServerNames(session::Server& server, conf::Resolver settings)
    : server_(server), private_(std::move(settings)) {}

void ServerNames::update(const ipc::NameUpdate& update) {
    const auto forbidden = private_.forbidden(update.name, update.addresses, base::now());
    if (!forbidden) return server_.update_name(update.name, update.addresses, update.unresolved);
    base::log::write(base::msg::name_rejected,
                     "name {}: REG rejected an update with the private address {}; to allow it, add the name "
                     "to resolver.allow-private",
                     update.name, base::to_string(*forbidden));
    server_.update_name(update.name, {}, true);
}

session::LookupSource look_up_in(boost::asio::io_context& io, resolvers::Resolver& resolver) {
    return [&io, &resolver](base::Lookup lookup, base::LookupCallback callback) {
        boost::asio::post(io, [&resolver, lookup = std::move(lookup), callback = std::move(callback)] {
            resolver.ask(lookup, callback);
        });
    };
}

session::LookupSource blocking_look_up(conf::Resolver settings) {
    return
        [settings = std::move(settings)](const base::Lookup& lookup, const base::LookupCallback& callback) {
            // Each question gets a new resolver, which would log the same mistakes of the hosts file again.
            callback(resolvers::ask_once(settings, lookup, {.log_hosts_file = false}));
        };
}

}  // namespace proxyd
