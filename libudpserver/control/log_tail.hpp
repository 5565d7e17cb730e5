#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>

#include "libudpserver/control/control_server.hpp"

namespace control {

/// The command `log-tail`: the last lines of the log file, and with `follow` every line that comes, also
/// after a rotation. Bounded: a client that reads slowly gets the lines later, and the file waits for it.
class LogTail {
public:
    static constexpr std::size_t most_lines = 1000, usual_lines = 20;
    static constexpr std::size_t most_bytes = 256 * 1024;  ///< looked at for the last lines

    /// `path`: of the log file; empty when the log goes somewhere else, which `where` then names.
    LogTail(boost::asio::io_context& io, std::string path, std::string where,
            base::Duration look_every = base::Duration{200})
        : io_(io), path_(std::move(path)), where_(std::move(where)), look_every_(look_every) {}

    void add_to(ControlServer& server);

private:
    class Reader;

    void run(const Request& request, Answer answer);

    boost::asio::io_context& io_;
    std::string path_, where_;
    base::Duration look_every_;
};

}  // namespace control
