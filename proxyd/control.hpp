#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "conf/config.hpp"
#include "libudpserver/control/log_tail.hpp"
#include "proxyd/commands/process_commands.hpp"
#include "proxyd/reloader.hpp"
#include "proxyd/resources.hpp"
#include "proxyd/upgrade.hpp"

namespace proxyd {

/// The control socket with its commands, in the parent (DESIGN §9).
class Control {
public:
    /// What the commands work on.
    struct Parts {
        process::Supervisor& supervisor;
        Resources& resources;
        Reloader& reloader;
        Upgrade& upgrade;
        int pid_file = -1;  ///< for an upgrade
    };

    /// Opens the socket, or goes on with the one that this process has already. Throws base::Fatal when a
    /// configured one cannot be had; that the default one cannot is a warning.
    Control(boost::asio::io_context& io, const Parts& parts, control::ControlSocket::Made made);

    /// Serves from now on.
    void start();

private:
    ProxyFacts facts();
    void open(const conf::Config& config, control::ControlSocket::Made made);
    void add_commands();
    void reload(const control::Request& request, control::Answer answer);
    void upgrade(control::Answer answer, base::Instant deadline);
    void names(const control::Request& request, control::Answer answer);
    void resolve(const control::Request& request, control::Answer answer);
    void drain();

    boost::asio::io_context& io_;
    process::Supervisor& supervisor_;
    Resources& resources_;
    Reloader& reloader_;
    Upgrade& upgrade_;
    int pid_file_;
    ControlForward forward_;
    ProcessCommands commands_;
    control::LogTail log_tail_;
    std::optional<control::ControlServer> server_;
};

}  // namespace proxyd
