#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "libudpserver/control/control_server.hpp"

namespace control {

/// The command `log-tail`: the last lines of the log file, and with `follow` every new line, also after a
/// rotation. A client that reads slowly gets the lines later; nothing is buffered for it.
class LogTail {
public:
    static constexpr std::size_t max_lines = 1000, default_lines = 20;
    static constexpr std::size_t max_bytes = 256 * 1024;  ///< searched for the last lines

    /// `path`: of the log file; if it is empty, `where` names the other target of the log.
    LogTail(boost::asio::io_context& io, std::string path, std::string where,
            base::Duration check_interval = base::Duration{200})
        : io_(io), path_(std::move(path)), where_(std::move(where)), check_interval_(check_interval) {}

    void add_to(ControlServer& server);

private:
    class Reader;

    void run(const Request& request, Answer answer);

    boost::asio::io_context& io_;
    std::string path_, where_;
    base::Duration check_interval_;
};

}  // namespace control
