#pragma once

#include <boost/asio/steady_timer.hpp>

#include "libudpserver/process/child_runtime.hpp"
#include "libudpserver/session/server.hpp"

namespace proxyd {

/// REG's part of a graceful end: when the parent says so, no session begins any more, and the parent is told
/// when the last one has ended.
class Drain {
public:
    /// `draining`: the parent said so to the REG before.
    Drain(process::ChildRuntime& runtime, session::Server& server, bool draining);

private:
    void begin();
    void look();

    process::ChildRuntime& runtime_;
    session::Server& server_;
    boost::asio::steady_timer timer_;
};

}  // namespace proxyd
