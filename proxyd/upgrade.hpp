#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proxyd/handover.hpp"
#include "proxyd/trial.hpp"

namespace proxyd {

class Parent;

/// How this program was started: what an upgrade executes.
struct Program {
    std::string path;  ///< absolute; an upgrade executes whatever is there then
    std::vector<std::string> arguments;

    /// Of this process. The arguments are copied.
    static Program of(int argc, char** argv);
};

/// What `proxyd --handover` prints: what an upgrade needs to know before it executes the other program.
std::string handover_abilities();

/// Replaces the program of the parent: an exec keeps all sockets and the arena, and the new program starts
/// children that adopt the sessions. The pid stays the same. Before, a Trial shows that the new program can.
class Upgrade {
public:
    /// `count`: upgrades before this program. `pid_file`: its descriptor, or -1.
    Upgrade(Parent& parent, Program program, unsigned count, int pid_file);

    /// True while children start or adopt, after a reload or a crash; an upgrade is refused meanwhile.
    [[nodiscard]] bool must_wait() const;

    struct Plan {
        std::string refused;  ///< the reason, if an upgrade is not possible
        std::string version;  ///< of the other program
        bool keeps_sessions = false;
    };
    /// Asks the installed program whether it understands this handover and the running configuration. If only
    /// the layout of the arena differs, the sessions are closed. Changes nothing, never throws.
    [[nodiscard]] Plan plan() const;

    /// Tries the other program out, stops the children and executes it. If any of that fails the children are
    /// restarted, and failure() has the reason. `control`: the control socket.
    void begin(const Plan& plan, const Handover::File& control);

    [[nodiscard]] const std::string& failure() const { return failure_; }
    /// Upgrades since proxyd was started.
    [[nodiscard]] unsigned count() const { return count_; }

private:
    [[nodiscard]] bool is_shutting_down() const;
    [[nodiscard]] std::string objection() const;
    void ask_program(Plan& plan) const;
    void tried(const Plan& plan, const Handover::File& control, const std::string& failure);
    void report_failure(const std::string& reason, bool sessions_kept);
    void become(bool keeps_sessions, const Handover::File& control);
    [[nodiscard]] Handover handover(bool with_sessions, const Handover::File& control) const;
    void execute(const Handover& handover);

    Parent& parent_;
    Program program_;
    unsigned count_;
    int pid_file_;
    std::string failure_;
    std::optional<Trial> trial_;
};

}  // namespace proxyd
