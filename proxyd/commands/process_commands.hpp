#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libudpserver/control/control_server.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/commands/control_forward.hpp"

namespace proxyd {

/// What the commands tell of the proxy that the supervisor does not know.
struct ProxyFacts {
    std::string name;     ///< of the instance
    std::string version;  ///< `proxyd 0.1.0`
    std::string config_file;
    std::function<std::string()> config_text;             ///< the effective configuration, many lines
    std::function<std::vector<std::string>()> listeners;  ///< `127.0.0.1:53`
    /// Begins a graceful end: no new sessions from now on. Called once; whoever sees the last session end may
    /// call Supervisor::stop() before the limit. Empty: graceful ends are refused.
    std::function<void(base::Duration limit)> drain;
    /// How often another program went on as this process, and why the last try failed.
    struct Upgrades {
        unsigned count = 0;
        std::string failure;
    };
    std::function<Upgrades()> upgrades;
};

/// The commands of the control socket that the parent answers itself: about processes, signals, the log and
/// the end of the proxy. Must live longer than the server.
class ProcessCommands {
public:
    ProcessCommands(boost::asio::io_context& io, process::Supervisor& supervisor, ControlForward& forward,
                    ProxyFacts facts);
    ProcessCommands(const ProcessCommands&) = delete;
    ProcessCommands& operator=(const ProcessCommands&) = delete;

    void add_to(control::ControlServer& server);

private:
    using Request = control::Request;

    void version(const Request& request, control::Answer answer) const;
    void ps(const Request& request, control::Answer answer) const;
    void status(const Request& request, control::Answer answer) const;
    void config(const Request& request, control::Answer answer) const;
    static void write_config(control::Answer answer, const std::shared_ptr<const std::string>& text,
                             std::size_t at);
    void signal(const Request& request, control::Answer answer);
    void kill_role(const Request& request, control::Answer answer);
    void log_level(const Request& request, control::Answer answer);
    void log_reopen(const Request& request, control::Answer answer);
    void info(const Request& request, control::Answer answer);
    void stop(const Request& request, control::Answer answer);

    /// Which processes a request means.
    struct Targets {
        bool parent = false;
        std::vector<process::Child*> children;
    };
    [[nodiscard]] Targets targets(const Request& request, const char* fallback) const;
    [[nodiscard]] control::Row parent_row() const;
    [[nodiscard]] std::string faults() const;
    void info_of(std::vector<process::Child*> children, const Request& request, control::Answer answer);
    void stop_gracefully(base::Duration limit);

    boost::asio::io_context& io_;
    process::Supervisor& supervisor_;
    ControlForward& forward_;
    ProxyFacts facts_;
    boost::asio::steady_timer grace_;
    bool draining_ = false;
};

}  // namespace proxyd
