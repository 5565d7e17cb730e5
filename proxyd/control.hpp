#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>

#include "conf/config.hpp"
#include "libudpserver/process/log_tail.hpp"
#include "libudpserver/process/process_commands.hpp"
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
    Control(boost::asio::io_context& io, const Parts& parts, process::ControlSocket::Made made);

    /// Serves from now on.
    void start();

private:
    process::ProxyFacts facts();
    void open(const conf::Config& config, process::ControlSocket::Made made);
    void add_commands();
    void reload(const control::Request& request, process::Answer answer);
    void upgrade(process::Answer answer, base::Instant deadline);
    void names(const control::Request& request, process::Answer answer);
    void resolve(const control::Request& request, process::Answer answer);
    void drain();

    boost::asio::io_context& io_;
    process::Supervisor& supervisor_;
    Resources& resources_;
    Reloader& reloader_;
    Upgrade& upgrade_;
    int pid_file_;
    process::ControlForward forward_;
    process::ProcessCommands commands_;
    process::LogTail log_tail_;
    std::optional<process::ControlServer> server_;
};

}  // namespace proxyd
