#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>

#include "libudpserver/process/supervisor.hpp"
#include "proxyd/handover.hpp"
#include "proxyd/program.hpp"
#include "proxyd/reloader.hpp"
#include "proxyd/resources.hpp"

namespace proxyd {

/// Puts another program in the place of the parent: it gets all sockets and the arena by an exec, and starts
/// children that go on where those of before left off. The pid stays, and so does whoever waits for it.
class Upgrade {
public:
    struct Parts {
        boost::asio::io_context& io;
        process::Supervisor& supervisor;
        Reloader& reloader;
        Resources& resources;
        Program program;
        unsigned upgrades = 0;              ///< before this program
        std::function<void()> report_left;  ///< reports sessions that a REG left when it was to end them
    };
    explicit Upgrade(Parts parts) : parts_(std::move(parts)) {}

    /// What others keep, to be handed over.
    struct Others {
        Handover::File pid_file, control;
    };

    /// The processes are being replaced just now: a reload that is not over, or a death.
    [[nodiscard]] bool must_wait() const;

    struct Plan {
        std::string refused;  ///< why nothing can happen; empty when all is well
        std::string version;  ///< of the other program
        bool keeps_sessions = false;
    };
    /// Asks the program that is installed now whether it can go on: it must understand a handover and the
    /// configuration. With sessions of another layout they end in order. Changes nothing, never throws.
    [[nodiscard]] Plan plan() const;

    /// Begins: the children leave, then this program is gone. If that fails they are started again, and
    /// failure() says why.
    void begin(const Plan& plan, const Others& others);

    [[nodiscard]] const std::string& failure() const { return failure_; }
    /// How many there were since the proxy's start.
    [[nodiscard]] unsigned count() const { return parts_.upgrades; }

private:
    [[nodiscard]] std::string objection() const;
    void ask_program(Plan& plan) const;
    [[nodiscard]] Handover handover(bool with_sessions, const Others& others) const;
    void paused(bool keeps_sessions, const Others& others);
    void become(bool keeps_sessions, const Others& others);
    void execute(const Handover& handover);

    Parts parts_;
    std::string failure_;
};

}  // namespace proxyd
