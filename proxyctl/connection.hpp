#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/unique_fd.hpp"
#include "libudpserver/control/line_reader.hpp"
#include "proxyctl/signals.hpp"

namespace proxyctl {

/// How long to wait for the other side.
struct Timeout {
    base::Duration limit{0};       ///< for each line; 0: none
    Signals* interrupt = nullptr;  ///< Ctrl-C throws Interrupted
};

/// Waits until the descriptor is ready (-1: for the time only); false after the limit. Throws Interrupted.
bool wait_for(int descriptor, short events, const Timeout& timeout);

/// A connection to a control socket of a trusted server, line by line. Throws only Failures that name the
/// problem and the remedy.
class Connection {
public:
    Connection(const std::string& path, const Timeout& timeout);

    /// A line without its newline.
    void send(std::string_view line, const Timeout& timeout);
    /// The next line; nothing when the other side has closed.
    std::optional<std::string> read_line(const Timeout& timeout);

    /// For loops that wait for other things too: reads without blocking, false at the end of the stream. Take
    /// all whole lines before.
    bool receive();
    /// The next whole line that was received.
    std::optional<std::string> take_line();

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    /// The process that listens on the socket; 0 if it is in another pid namespace.
    [[nodiscard]] pid_t peer() const;

private:
    void connect(const Timeout& timeout);
    bool try_connect();

    std::string path_;
    base::UniqueFd fd_;
    control::LineReader lines_;
};

}  // namespace proxyctl
