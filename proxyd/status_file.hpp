#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/session/server.hpp"
#include "proxyd/status_text.hpp"

namespace proxyd {

/// Writes all sessions to the file of `status-file` periodically (O-42). It writes a temporary file and
/// renames it, so that readers never see an incomplete one. The sessions are fetched in pieces of bounded
/// size, and only the main thread waits for the disk.
class StatusFile {
public:
    StatusFile(boost::asio::io_context& io, session::Server& server, const conf::Config& config);
    ~StatusFile() { discard(); }
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
    void add(const Piece& piece);
    void finish();
    bool put(const std::string& text);
    void fail(const char* what);
    void discard();

    boost::asio::steady_timer timer_;
    session::Server& server_;
    const conf::StatusFile& settings_;
    StatusText text_;
    std::string temp_path_;  ///< renamed when complete
    base::UniqueFd file_;
    std::size_t sessions_ = 0;
    bool started_ = false;
};

}  // namespace proxyd
