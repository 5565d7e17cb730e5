#pragma once

#include <boost/asio/steady_timer.hpp>

#include "libudpserver/session/server.hpp"

namespace proxyd {

/// Writes the server's housekeeping line once a minute (K-78).
class Housekeeping {
public:
    Housekeeping(boost::asio::io_context& io, session::Server& server) : timer_(io), server_(server) {
        wait();
    }

private:
    void wait();

    boost::asio::steady_timer timer_;
    session::Server& server_;
};

/// Logs the server's INFO lines, soon (K-20).
void log_info(session::Server& server);

}  // namespace proxyd
