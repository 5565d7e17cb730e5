#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "libudpserver/session/server.hpp"
#include "proxyd/status_text.hpp"

namespace proxyd {

/// Writes all sessions into the file of `status-file`, again and again (O-42). It is written beside its place
/// and then put there, so that nobody reads half of it. The sessions are fetched piece by piece: a worker
/// gives a bounded bit of a turn, and only the main thread waits for the disk.
class StatusFile {
public:
    StatusFile(boost::asio::io_context& io, session::Server& server, const conf::Config& config);
    ~StatusFile() { discard(); }
    StatusFile(const StatusFile&) = delete;
    StatusFile& operator=(const StatusFile&) = delete;

    /// Now, and from now on. Without the section nothing happens, here and in the others.
    void start();
    /// Now, not only when it is due; also what INFO does (O-43).
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
    std::string beside_;  ///< path while it is being written
    base::UniqueFd file_;
    std::size_t sessions_ = 0;
    bool started_ = false;
};

}  // namespace proxyd
