#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <string>

#include "libudpserver/session/server.hpp"
#include "proxyd/status_target.hpp"
#include "proxyd/status_text.hpp"

namespace proxyd {

/// Writes all sessions to the file of `status-file` periodically (O-42). The sessions are fetched in pieces
/// of bounded size.
class StatusFile {
public:
    StatusFile(boost::asio::io_context& io, session::Server& server, const conf::Config& config,
               StatusTarget& target);
    StatusFile(const StatusFile&) = delete;
    StatusFile& operator=(const StatusFile&) = delete;

    /// Writes the file now and at every interval. Without the section all functions have no effect.
    void start();
    /// Writes the file now, as INFO does (O-43).
    void write();

private:
    struct Piece;

    void wait();
    void next(unsigned worker, session::Slot from);
    StatusTarget::Then then(std::function<void()> work);
    std::string lines_of(const Piece& piece);
    void finish();

    boost::asio::steady_timer timer_;
    session::Server& server_;
    const conf::StatusFile& settings_;
    StatusText text_;
    StatusTarget& target_;
    std::size_t sessions_ = 0;
    bool busy_ = false;  ///< a file is being written
    bool started_ = false;
};

}  // namespace proxyd
