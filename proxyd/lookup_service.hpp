#pragma once

#include <boost/asio/io_context.hpp>

#include "conf/config.hpp"
#include "libudpserver/session/server.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/resolver.hpp"

namespace proxyd {

/// The configuration needs look-ups on demand, and so APR (K-3).
bool needs_lookups(const conf::Config& config);

/// Applies updates of configured names to a server.
class ServerNames : public resolvers::NameSink {
public:
    explicit ServerNames(session::Server& server) : server_(server) {}
    void update(const ipc::NameUpdate& update) override {
        server_.update_name(update.name, update.addresses, update.unresolved);
    }

private:
    session::Server& server_;
};

/// REG: passes the workers' questions to a resolver of the main thread, so no worker waits (K-57).
session::LookupSource look_up_in(boost::asio::io_context& io, resolvers::Resolver& resolver);

/// singleproc: the worker itself looks up and waits (K-10).
session::LookupSource blocking_look_up(conf::Resolver settings);

}  // namespace proxyd
