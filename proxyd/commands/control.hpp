#pragma once

#include <memory>
#include <optional>

#include "libudpserver/control/control_server.hpp"
#include "libudpserver/control/log_tail.hpp"
#include "proxyd/commands/child_queries.hpp"
#include "proxyd/commands/process_commands.hpp"
#include "proxyd/commands/proxy_commands.hpp"

namespace proxyd {

/// The control socket of the parent with all its commands (doc/design.md, Control).
class Control {
public:
    /// Opens the socket, or continues with the one `inherited` from before an upgrade, and serves. Throws
    /// base::Fatal if a configured socket cannot be opened; for the default one it logs a warning.
    Control(Parent& parent, Upgrade& upgrade, const Handover::File& inherited);

private:
    void open(const Handover::File& inherited);
    void add_queries();

    Parent& parent_;
    ChildQueries queries_;
    ProcessCommands process_commands_;
    ProxyCommands proxy_commands_;
    control::LogTail log_tail_;
    std::optional<control::ControlServer> server_;
};

}  // namespace proxyd
