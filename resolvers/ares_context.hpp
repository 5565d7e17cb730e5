#pragma once

#include <boost/asio/io_context.hpp>

#include "resolvers/ares_channel.hpp"
#include "resolvers/counters.hpp"
#include "resolvers/server_order.hpp"
#include "resolvers/settings.hpp"

namespace resolvers {

/// What the look-ups of one resolver share. All of it outlives them.
struct AresContext {
    boost::asio::io_context& io;
    const Settings& settings;
    Counters& counters;
    ServerOrder& order;
    AresChannels& channels;
};

}  // namespace resolvers
