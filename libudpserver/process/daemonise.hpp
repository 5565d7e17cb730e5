#pragma once

#include <utility>

#include "base/unique_fd.hpp"

namespace process {

/// The way into the background. The process that was started waits until the daemon serves or has failed, so
/// that its exit status tells (O-14).
class Daemon {
public:
    /// In the foreground: nothing is detached and nobody waits.
    Daemon() = default;

    /// Forks. Only the daemon returns from here, as leader of its own session; the process that was started
    /// exits with 0 after report_ready(), otherwise with the daemon's exit status (1 when that was 0 or a
    /// signal) and a line on stderr. Before any signal inbox, log thread or pid file. Throws base::Fatal.
    static Daemon detach();

    /// The proxy serves: let go of the terminal and the working directory, and tell who waits. Until then
    /// errors still reach the terminal. Called again it does nothing.
    void report_ready();

private:
    explicit Daemon(base::UniqueFd report) : report_(std::move(report)) {}

    base::UniqueFd report_;
};

}  // namespace process
