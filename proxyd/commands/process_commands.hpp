#pragma once

#include <vector>

#include "libudpserver/control/control_server.hpp"
#include "libudpserver/process/log_process.hpp"
#include "libudpserver/process/supervisor.hpp"
#include "proxyd/commands/child_queries.hpp"

namespace proxyd {

/// The commands about the processes of the instance: ps, info, signal, kill-role, log-level, log-reopen. Must
/// outlive the server.
class ProcessCommands {
public:
    ProcessCommands(process::Supervisor& supervisor, ChildQueries& queries)
        : supervisor_(supervisor), queries_(queries) {}

    void add_to(control::ControlServer& server);
    /// Adds this process to ps; null: there is none.
    void show(const process::LogProcess* log) { log_ = log; }

private:
    using Request = control::Request;

    void ps(const Request& request, control::Answer answer) const;
    void info(const Request& request, control::Answer answer);
    void signal(const Request& request, control::Answer answer);
    void kill_role(const Request& request, control::Answer answer);
    void log_level(const Request& request, control::Answer answer);
    void log_reopen(const Request& request, control::Answer answer);

    /// The processes that a request addresses.
    struct Targets {
        bool parent = false;
        bool all = false;  ///< the request names `all`, or no role where that is the default
        std::vector<process::Child*> children;
    };
    [[nodiscard]] Targets targets(const Request& request, const char* fallback) const;
    [[nodiscard]] control::Row parent_row() const;
    void info_of(std::vector<process::Child*> children, const Request& request, control::Answer answer);

    process::Supervisor& supervisor_;
    ChildQueries& queries_;
    const process::LogProcess* log_ = nullptr;
};

}  // namespace proxyd
