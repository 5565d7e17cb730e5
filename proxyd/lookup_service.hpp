#pragma once

#include <boost/asio/io_context.hpp>

#include "conf/config.hpp"
#include "libudpserver/session/server.hpp"
#include "resolvers/name_sink.hpp"
#include "resolvers/private_addresses.hpp"
#include "resolvers/resolver.hpp"

namespace proxyd {

/// The configuration needs look-ups on demand, and so APR (K-3).
bool needs_lookups(const conf::Config& config);

/// Applies updates of configured names to a server. It does not rely on ACR, which reads what strangers send:
/// an update with a private address that the configuration does not allow is rejected, and the name keeps its
/// addresses.
class ServerNames : public resolvers::NameSink {
public:
    ServerNames(session::Server& server, conf::Resolver settings);
    void update(const ipc::NameUpdate& update) override;

private:
    session::Server& server_;
    resolvers::PrivateAddresses private_;
};

/// REG: passes the workers' questions to a resolver of the main thread, so no worker waits (K-57).
session::LookupSource look_up_in(boost::asio::io_context& io, resolvers::Resolver& resolver);

/// singleproc: the worker itself looks up and waits (K-10).
session::LookupSource blocking_look_up(conf::Resolver settings);

}  // namespace proxyd
