#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>
#include <string>

#include "libudpserver/process/tried_program.hpp"
#include "proxyd/handover.hpp"

namespace proxyd {

class Parent;
struct Program;

/// The part of an upgrade that may fail: the other program runs as a child of this one, with the same sockets
/// and the same arena, before this process becomes it. It starts completely while our children still serve;
/// then they leave, and its children adopt the sessions. When they are ready they leave too, and it exits.
/// Whatever goes wrong, this process still has everything, and its children can adopt again.
class Trial {
public:
    /// The reason of a failure; empty: it has passed. The children of this process are then paused, unless
    /// the sessions cannot be kept.
    using Done = std::function<void(const std::string& failure)>;

    /// Throws std::system_error if the other program cannot be started.
    Trial(Parent& parent, const Program& program, const Handover& handover, Done done);

private:
    enum class Step { start, ready, leave, over };

    void on_word(const std::string& word);
    void on_exit(const process::ExitStatus& status);
    void let_serve();
    void await(Step step, base::Duration limit);
    void finish(const std::string& failure);

    Parent& parent_;
    Done done_;
    bool with_sessions_;
    Step step_ = Step::start;
    std::string reason_;  ///< that the other program gave
    boost::asio::steady_timer timer_;
    process::TriedProgram program_;
};

}  // namespace proxyd
