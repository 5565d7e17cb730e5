#pragma once

#include <utility>

#include "base/unique_fd.hpp"

namespace process {

/// Moves proxyd to the background. The process that was started waits until the daemon is ready or has
/// failed, so that its exit status tells which (O-14).
class Daemon {
public:
    /// For the foreground: detaches nothing.
    Daemon() = default;

    /// Forks. Only the daemon returns, as leader of its own session; the process that was started exits with
    /// 0 after report_ready(), otherwise with the daemon's exit status (1 for 0 or a signal) and a line on
    /// stderr. Call it before any signal inbox, log thread or pid file exists. Throws base::Fatal.
    static Daemon detach();

    /// proxyd is ready: leaves the terminal and the working directory, and reports to the waiting process.
    /// Until then errors reach the terminal. A second call has no effect.
    void report_ready();

private:
    explicit Daemon(base::UniqueFd report) : report_(std::move(report)) {}

    base::UniqueFd report_;
};

}  // namespace process
