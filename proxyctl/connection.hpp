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
struct Patience {
    base::Duration limit{0};       ///< between two lines; 0: for ever
    Signals* interrupt = nullptr;  ///< Ctrl-C ends the waiting with Interrupted
};

/// A connection to the control socket of a proxy: lines to it and lines from it. Everything it throws is a
/// Failure that says what is wrong and what to do.
class Connection {
public:
    /// `limit` is for the connecting.
    Connection(const std::string& path, const Patience& patience);

    /// A line without its newline.
    void send(std::string_view line, const Patience& patience);
    /// The next line; nothing when the other side has closed.
    std::optional<std::string> read_line(const Patience& patience);

    /// For loops that wait for other things too: takes in what has come, without waiting. False at the end.
    /// A whole line must be taken before.
    bool receive();
    /// A whole line of what has come.
    std::optional<std::string> take_line();

    [[nodiscard]] int descriptor() const { return fd_.get(); }
    /// The process that listens on the socket; 0 when the kernel cannot tell.
    [[nodiscard]] pid_t peer() const;

private:
    void connect(const Patience& patience);
    bool try_connect();

    std::string path_;
    base::UniqueFd fd_;
    control::LineReader lines_;
};

/// Waits until one of the descriptors is ready; false after `limit` (0: for ever). Throws Interrupted.
bool wait_for(int descriptor, short events, const Patience& patience);

}  // namespace proxyctl
